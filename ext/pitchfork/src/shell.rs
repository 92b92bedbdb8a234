//! The shell around the supervisor: turns what the kernel says into events, and actions into system calls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use magnus::{Error, Ruby};
use nix::errno::Errno;
use nix::sys::epoll::EpollEvent;
use nix::sys::signal::Signal;
use pitchfork_core::supervisor::{Action, Event, Observation, Request, Role, Supervisor};
use pitchfork_core::wire::{Order, Report, SIZE, Seat, Ticket};

use crate::ruby::gvl;
use crate::scales::Scales;
use crate::sys::cgroup::{self, OwnGroup};
use crate::sys::children::{Children, Said};
use crate::sys::clock::monotonic;
use crate::sys::process;
use crate::sys::scoreboard::{Row, Scoreboard};

/// How often it is measured whether there is memory for more workers, while some are being replaced. That reads a file of
/// /proc for each process.
const MEASURE: Duration = Duration::from_millis(100);

/// A wait that takes so much longer than it was to means that the machine, or this process, was standing still.
const LEAP: Duration = Duration::from_secs(2);

/// The supervisor, and what it knows the world by.
pub struct Shell {
    pub supervisor: Supervisor,
    pub children: Children,
    scoreboard: Scoreboard,
    events: VecDeque<Event>,
    actions: VecDeque<Action>,
    /// The scoreboard was looked at since the last wait.
    observed: bool,
    /// When memory was measured.
    measured: Duration,
    /// Where, as long as that is of interest.
    group: Option<OwnGroup>,
    scales: Scales,
    /// Nanoseconds of garbage collection, within requests and between them, of those whose rows others have now.
    gc_of_gone: [u64; 2],
    /// The channel of a mold that Ruby is about to boot.
    pub booting: Option<(Ticket, OwnedFd)>,
}

impl Shell {
    pub fn new(supervisor: Supervisor, scoreboard: Scoreboard) -> nix::Result<Shell> {
        Ok(Shell {
            supervisor,
            scoreboard,
            children: Children::new()?,
            events: VecDeque::from([Event::Start]),
            actions: VecDeque::new(),
            observed: false,
            measured: Duration::ZERO,
            group: None,
            scales: Scales::default(),
            gc_of_gone: [0, 0],
            booting: None,
        })
    }

    /// These have happened, too.
    pub fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.extend(events);
    }

    /// Feeds events and carries out actions until there are none, or one is for Ruby.
    pub fn settle(&mut self) -> Option<Action> {
        loop {
            while let Some(action) = self.actions.pop_front() {
                if let Some(action) = self.perform(action) {
                    return Some(action);
                }
            }
            let Some(event) = self.events.pop_front() else {
                self.observed = false;
                return None;
            };
            // Once for all that has happened at the same time.
            if !std::mem::replace(&mut self.observed, true) {
                self.observe(&event);
            }
            self.actions
                .extend(self.supervisor.step(monotonic(), event));
            self.publish();
        }
    }

    /// Tells the supervisor what the scoreboard says, and what else it may need for what has happened: this and the rest.
    fn observe(&mut self, event: &Event) {
        for (ticket, row) in self.children.rows() {
            let observed = observation(self.scoreboard.row(row));
            self.supervisor.observe(ticket, observed);
        }
        let now = monotonic();
        let mut events = std::iter::once(event).chain(&self.events);
        self.scales.weigh(&mut self.supervisor, events.clone());
        if events.any(may_promote) {
            self.size_up();
        }
        if self.supervisor.wants_room() && now >= self.measured + MEASURE {
            self.measured = now;
            let workers = (self.supervisor.processes().iter()).filter(|p| p.role == Role::Worker);
            let pids: Vec<u32> = workers.filter_map(|p| p.pid).collect();
            let group = self.group.get_or_insert_with(OwnGroup::find);
            self.supervisor.observe_room(group.room(&pids));
        } else if !self.supervisor.wants_room() {
            self.group = None;
            self.supervisor.observe_room(None); // it will be an old measurement when it is next of interest
        }
    }

    /// Tells the supervisor how large the workers are.
    fn size_up(&mut self) {
        let workers = (self.supervisor.processes().iter()).filter(|p| p.is_ready_worker());
        let sizes: Vec<(Ticket, u64)> = workers
            .filter_map(|p| Some((p.ticket(), cgroup::size(p.pid?)?)))
            .collect();
        for (ticket, size) in sizes {
            self.supervisor.observe_size(ticket, size);
        }
    }

    /// Tells the children how the server is.
    fn publish(&self) {
        let (head, state) = (self.scoreboard.head(), &self.supervisor);
        head.set_workers(state.wished_workers(), state.ready_workers());
        if state.is_stopping() {
            head.set_shutting_down();
        }
    }

    /// Carries out an action, or answers it if Ruby has to. What fails here has to be an event: the master goes on.
    fn perform(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Spawn {
                mold,
                seat,
                milestone,
            } => self.commission(mold, seat, milestone, Order::Spawn(seat)),
            Action::Milestone { ticket, at } => {
                if let Some(row) = self.children.row(ticket) {
                    self.scoreboard.row(row).set_report_at(at);
                }
            }
            Action::Promote {
                worker,
                seat,
                in_place,
            } => self.commission(worker, seat, None, Order::Promote { seat, in_place }),
            Action::Serve(ticket) => self.children.send(ticket, Order::Serve),
            Action::Retire(ticket) => self.children.send(ticket, Order::Retire),
            Action::Interrupt(ticket) => self.children.signal(ticket, Signal::SIGURG),
            Action::Kill(ticket) => self.children.signal(ticket, Signal::SIGKILL),
            // Closing the channel takes it out of epoll, too.
            Action::Forget(ticket) => self.children.forget(ticket),
            Action::BootMold { seat, .. } => match self.enlist(seat, None) {
                Ok(channel) => {
                    self.booting = Some((seat.ticket, channel));
                    return Some(action);
                }
                Err(errno) => self.fork_failed(seat.ticket, errno),
            },
            Action::Listen
            | Action::Log(..)
            | Action::ServerReady
            | Action::Restarted { .. }
            | Action::RestartFailed { .. }
            | Action::RolloutDone { .. }
            | Action::HardTimeout { .. }
            | Action::WorkerExited { .. }
            | Action::Exit(_) => return Some(action),
        }
        None
    }

    /// Asks `maker` for a new process.
    fn commission(&mut self, maker: Ticket, seat: Seat, milestone: Option<u64>, order: Order) {
        let asked = (self.enlist(seat, milestone))
            .and_then(|theirs| self.children.send_with(maker, order, theirs.as_fd()));
        if let Err(errno) = asked {
            self.fork_failed(seat.ticket, errno);
        }
    }

    /// Prepares for a new process. Answers the end of the channel that it is to have.
    fn enlist(&mut self, seat: Seat, milestone: Option<u64>) -> nix::Result<OwnedFd> {
        let row = self.scoreboard.row(seat.row);
        self.gc_of_gone = add(self.gc_of_gone, row.gc());
        row.reset(milestone);
        self.children.enlist(seat)
    }

    /// Nanoseconds of garbage collection in all workers that there have been, within requests and between them.
    pub fn gc_time(&self) -> [u64; 2] {
        add(self.gc_of_gone, self.scoreboard.gc())
    }

    fn fork_failed(&mut self, ticket: Ticket, errno: Errno) {
        let errno = errno as i32;
        self.events.push_back(Event::ForkFailed { ticket, errno });
    }

    /// Waits for a child, a signal or a deadline. Ruby is interruptible meanwhile.
    pub fn pause(
        &mut self,
        ruby: &Ruby,
        signals: &RefCell<VecDeque<Event>>,
        patience: Duration,
    ) -> Result<(), Error> {
        // A SIGCHLD that came while Ruby was at work, writing to the log say, interrupts no wait any more.
        self.collect();
        if !self.events.is_empty() || !signals.borrow().is_empty() {
            return Ok(());
        }
        let now = monotonic();
        let due = self.supervisor.deadline(now);
        let left = due
            .map_or(patience, |at| at.saturating_sub(now))
            .min(patience);
        let timeout = gvl::timeout(Some(left));
        let mut speakers = [EpollEvent::empty(); 64];
        let epoll = self.children.epoll();
        let waited = gvl::interruptible(ruby, "epoll_wait", || epoll.wait(&mut speakers, timeout))?;
        let late = monotonic().saturating_sub(now + left);
        if late >= LEAP {
            self.events.push_back(Event::Leapt(late));
        }
        for speaker in speakers.iter().take(waited.unwrap_or(0)) {
            self.drain(Ticket(speaker.data()));
        }
        self.events.push_back(Event::Tick);
        Ok(())
    }

    /// Reaps all children that have ended. What one said before it died counts before its death: it is peeked at, its channel
    /// is read, and only then is it reaped, so that its pid can't be somebody else's when we look it up.
    pub fn collect(&mut self) {
        while let Some((pid, stopped)) = process::job_control() {
            self.events.push_back(if stopped {
                Event::Stopped { pid }
            } else {
                Event::Continued { pid }
            });
        }
        while let Some(pid) = process::peek_zombie() {
            for ticket in self.children.that_may_be(pid) {
                self.drain(ticket);
            }
            match process::reap(pid) {
                Ok(status) => self.events.push_back(Event::Exited { pid, status }),
                Err(_) => return, // somebody else's waitpid was quicker: Ruby's own, for a child that a hook started
            }
        }
    }

    /// Reads all that a child has said.
    fn drain(&mut self, ticket: Ticket) {
        while let Some(said) = self.children.hear(ticket) {
            match said {
                Said::Message { bytes, sender } => self.heard(ticket, &bytes, sender),
                Said::Closed => return self.events.push_back(Event::Closed { ticket }),
            }
        }
    }

    fn heard(&mut self, ticket: Ticket, bytes: &[u8; SIZE], sender: Option<u32>) {
        let event = match (Report::decode(bytes), sender) {
            (Ok(Report::Hello), Some(pid)) => {
                self.hello(ticket, pid);
                return self.children.has_spoken(ticket);
            }
            (Ok(Report::Ready), _) => {
                self.measured = Duration::ZERO; // there is less memory than before
                Event::Ready { ticket }
            }
            (Ok(Report::Milestone { requests }), _) => Event::Milestone { ticket, requests },
            (Ok(Report::Deadline), _) => Event::Tick, // the scoreboard has more
            (Ok(Report::Refused { ticket, reason }), _) => Event::Refused { ticket, reason },
            (Ok(Report::ForkFailed { ticket, errno }), _) => Event::ForkFailed { ticket, errno },
            // Not of our making; who speaks so is not the process we know.
            (Ok(Report::Hello), None) | (Err(_), _) => return,
        };
        self.events.push_back(event);
    }

    pub fn hello(&mut self, ticket: Ticket, pid: u32) {
        if self.children.introduce(ticket, pid) {
            self.events.push_back(Event::Hello { ticket, pid });
        }
    }
}

/// Whether a worker may be promoted for this: because it is wished for, because one is warm, or because a mold is gone.
fn may_promote(event: &Event) -> bool {
    matches!(
        event,
        Event::Refork | Event::Milestone { .. } | Event::Exited { .. }
    )
}

fn add(one: [u64; 2], other: [u64; 2]) -> [u64; 2] {
    [one[0] + other[0], one[1] + other[1]]
}

/// A deadline that is never reached: in a hundred years.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a row says.
fn observation(row: &Row) -> Observation {
    let at = |deadline| match deadline {
        0 => NEVER,
        nanos => Duration::from_nanos(nanos),
    };
    Observation {
        requests: row.requests(),
        request: row.request().map(|(since, deadline)| Request {
            since: Duration::from_nanos(since),
            deadline: at(deadline),
        }),
    }
}

//! `Pitchfork::Supervision`: the shell around the supervisor.
//!
//! Turns what the kernel says into events, and actions into system calls. What needs Ruby (a hook, a log line, booting a
//! mold) is handed to Ruby as the answer of `wait` (R3).

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use magnus::{
    Class, Error, Module, Object, RArray, RHash, RModule, Ruby, Symbol, function, method,
    typed_data::Obj,
};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use pitchfork_core::supervisor::{Action, Event, Supervisor};
use pitchfork_core::wire::{Order, Report, SIZE, Seat, Ticket};

use crate::ruby::scoreboard::RbScoreboard;
use crate::ruby::{errors, gvl, supervision};
use crate::sys::channel::{Channel, Received};
use crate::sys::clock::monotonic;
use crate::sys::process;
use crate::sys::scoreboard::Scoreboard;

/// The master's event loop.
#[magnus::wrap(class = "Pitchfork::Supervision", free_immediately)]
pub struct Supervision {
    shell: RefCell<Option<Shell>>,
    /// From traps, which may run while the shell waits.
    signals: RefCell<VecDeque<Event>>,
}

struct Shell {
    supervisor: Supervisor,
    scoreboard: Scoreboard,
    epoll: Epoll,
    children: BTreeMap<Ticket, Child>,
    events: VecDeque<Event>,
    actions: VecDeque<Action>,
    /// The channel of a mold that Ruby is about to boot.
    booting: Option<(Ticket, OwnedFd)>,
}

/// A process as the master holds it.
struct Child {
    channel: Channel,
    row: u32,
    pid: Option<(u32, Option<OwnedFd>)>,
}

impl Supervision {
    fn new(ruby: &Ruby, settings: RHash, scoreboard: Obj<RbScoreboard>) -> Result<Self, Error> {
        let settings = supervision::settings(ruby, settings)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|errno| errors::system(ruby, "epoll_create1", errno))?;
        Ok(Supervision {
            shell: RefCell::new(Some(Shell {
                supervisor: Supervisor::new(settings),
                scoreboard: scoreboard.0.clone(),
                epoll,
                children: BTreeMap::new(),
                events: VecDeque::from([Event::Start]),
                actions: VecDeque::new(),
                booting: None,
            })),
            signals: RefCell::default(),
        })
    }

    /// From a trap.
    fn signal(ruby: &Ruby, rb_self: Obj<Self>, name: Symbol) -> Result<(), Error> {
        let event = supervision::signal(ruby, &name.name()?)?;
        rb_self.signals.borrow_mut().push_back(event);
        Ok(())
    }

    /// Works until Ruby is needed, and answers what for: an Array of a Symbol and its arguments.
    fn wait(ruby: &Ruby, rb_self: Obj<Self>) -> Result<RArray, Error> {
        loop {
            let answer = rb_self.with(ruby, |shell| Ok(shell.settle()))?;
            if let Some(action) = answer {
                return supervision::answer(ruby, action);
            }
            rb_self.with(ruby, |shell| shell.pause(ruby, &rb_self.signals))?;
            let signals = rb_self.signals.take();
            rb_self.with(ruby, |shell| {
                shell.events.extend(signals);
                shell.collect();
                Ok(())
            })?;
        }
    }

    fn with<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(&mut Shell) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut shell = self.shell.borrow_mut();
        f(shell
            .as_mut()
            .ok_or_else(|| errors::misuse(ruby, "supervision is closed"))?)
    }

    /// The descriptor that the boot mold is to inherit as its channel.
    fn boot_channel(ruby: &Ruby, rb_self: Obj<Self>) -> Result<RawFd, Error> {
        rb_self.with(ruby, |shell| match &shell.booting {
            Some((_, channel)) => Ok(channel.as_raw_fd()),
            None => Err(errors::misuse(ruby, "no mold is to be booted")),
        })
    }

    /// Ruby has started the boot mold, or could not (nil).
    fn booted(ruby: &Ruby, rb_self: Obj<Self>, pid: Option<u32>) -> Result<(), Error> {
        rb_self.with(ruby, |shell| {
            if let Some((ticket, _)) = shell.booting.take() {
                match pid {
                    Some(pid) => shell.hello(ticket, pid),
                    None => shell
                        .events
                        .push_back(Event::ForkFailed { ticket, errno: 0 }),
                }
            }
            Ok(())
        })
    }

    /// In a forked child: drops all that is the master's. What the child needs, it has taken.
    fn close(&self) {
        if let Some((_, channel)) = self.shell.take().and_then(|shell| shell.booting) {
            // Given to the child's MoldPort by number.
            std::mem::forget(channel);
        }
    }
}

impl Shell {
    /// Feeds events and carries out actions until there are none, or one is for Ruby.
    fn settle(&mut self) -> Option<Action> {
        loop {
            while let Some(action) = self.actions.pop_front() {
                if let Some(action) = self.perform(action) {
                    return Some(action);
                }
            }
            let event = self.events.pop_front()?;
            for (ticket, child) in &self.children {
                let requests = self.scoreboard.row(child.row).requests();
                self.supervisor.observe(*ticket, requests);
            }
            self.actions
                .extend(self.supervisor.step(monotonic(), event));
        }
    }

    /// Carries out an action, or answers it if Ruby has to. What fails here has to be an event: the master goes on.
    fn perform(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Spawn {
                mold,
                seat,
                warm_at,
            } => self.commission(mold, seat, warm_at, Order::Spawn(seat)),
            Action::Promote {
                worker,
                seat,
                in_place,
            } => self.commission(worker, seat, None, Order::Promote { seat, in_place }),
            Action::Serve(ticket) => self.send(ticket, Order::Serve),
            Action::Retire(ticket) => self.send(ticket, Order::Retire),
            Action::Kill(ticket) => self.kill(ticket),
            // Closing the channel takes it out of epoll, too.
            Action::Forget(ticket) => drop(self.children.remove(&ticket)),
            Action::BootMold(seat) => match self.enlist(seat, None) {
                Ok(channel) => {
                    self.booting = Some((seat.ticket, channel));
                    return Some(action);
                }
                Err(errno) => self.fork_failed(seat.ticket, errno),
            },
            Action::Listen
            | Action::Log(..)
            | Action::ServerReady
            | Action::WorkerExited { .. }
            | Action::Exit(_) => return Some(action),
        }
        None
    }

    /// Makes the channel of a new process. Answers the end that it is to have.
    fn enlist(&mut self, seat: Seat, warm_at: Option<u64>) -> nix::Result<OwnedFd> {
        let (channel, theirs) = Channel::pair()?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, seat.ticket.0);
        self.epoll.add(channel.as_fd(), event)?;
        self.scoreboard.row(seat.row).reset(warm_at);
        let child = Child {
            channel,
            row: seat.row,
            pid: None,
        };
        self.children.insert(seat.ticket, child);
        Ok(theirs)
    }

    /// Asks `maker` for a new process.
    fn commission(&mut self, maker: Ticket, seat: Seat, warm_at: Option<u64>, order: Order) {
        let asked = self.enlist(seat, warm_at).and_then(|theirs| {
            let maker = self.children.get(&maker).ok_or(Errno::ESRCH)?;
            maker.channel.send(&order.encode(), Some(theirs.as_fd()))
        });
        if let Err(errno) = asked {
            self.fork_failed(seat.ticket, errno);
        }
    }

    fn fork_failed(&mut self, ticket: Ticket, errno: Errno) {
        let errno = errno as i32;
        self.events.push_back(Event::ForkFailed { ticket, errno });
    }

    /// A message that does not arrive needs no answer: the process is going, or its deadline will find it.
    fn send(&self, ticket: Ticket, order: Order) {
        if let Some(child) = self.children.get(&ticket) {
            child
                .channel
                .send(&order.encode(), None)
                .unwrap_or_default();
        }
    }

    fn kill(&self, ticket: Ticket) {
        let Some((pid, pidfd)) = self
            .children
            .get(&ticket)
            .and_then(|child| child.pid.as_ref())
        else {
            return;
        };
        // ESRCH: gone, and its exit will be reaped.
        process::kill(*pid, pidfd.as_ref()).unwrap_or_default();
    }

    /// Waits for a child, a signal or a deadline. Ruby is interruptible meanwhile.
    fn pause(&mut self, ruby: &Ruby, signals: &RefCell<VecDeque<Event>>) -> Result<(), Error> {
        // A SIGCHLD that came while Ruby was at work, writing to the log say, interrupts no wait any more.
        self.collect();
        if !self.events.is_empty() || !signals.borrow().is_empty() {
            return Ok(());
        }
        let now = monotonic();
        let left = self
            .supervisor
            .deadline(now)
            .map(|at| at.saturating_sub(now));
        let timeout = left.map_or(EpollTimeout::NONE, timeout);
        let mut events = [EpollEvent::empty(); 64];
        let epoll = &self.epoll;
        let waited = gvl::interruptible(ruby, "epoll_wait", || epoll.wait(&mut events, timeout))?;
        for event in events.iter().take(waited.unwrap_or(0)) {
            self.drain(Ticket(event.data()));
        }
        if left.is_some() {
            self.events.push_back(Event::Tick);
        }
        Ok(())
    }

    /// Reaps all children that have ended. What one said before it died counts before its death: it is peeked at, all
    /// channels are read, and only then is it reaped, so that its pid can't be somebody else's when we look it up.
    fn collect(&mut self) {
        while let Some(pid) = process::peek_zombie() {
            for ticket in self.children.keys().copied().collect::<Vec<_>>() {
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
        while let Some(child) = self.children.get(&ticket) {
            match child.channel.receive() {
                Ok(Received::Message { bytes, sender, .. }) => self.heard(ticket, &bytes, sender),
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => {
                    // Told once: a closed channel stays readable for ever.
                    self.epoll.delete(child.channel.as_fd()).unwrap_or_default();
                    self.events.push_back(Event::Closed { ticket });
                    return;
                }
            }
        }
    }

    fn heard(&mut self, ticket: Ticket, bytes: &[u8; SIZE], sender: Option<u32>) {
        let event = match (Report::decode(bytes), sender) {
            (Ok(Report::Hello), Some(pid)) => return self.hello(ticket, pid),
            (Ok(Report::Ready), _) => Event::Ready { ticket },
            (Ok(Report::Warm { .. }), _) => Event::Warm { ticket },
            (Ok(Report::Refused { ticket, reason }), _) => Event::Refused { ticket, reason },
            (Ok(Report::ForkFailed { ticket, errno }), _) => Event::ForkFailed { ticket, errno },
            // Not of our making; who speaks so is not the process we know.
            (Ok(Report::Hello), None) | (Err(_), _) => return,
        };
        self.events.push_back(event);
    }

    fn hello(&mut self, ticket: Ticket, pid: u32) {
        if let Some(child) = self.children.get_mut(&ticket) {
            // It can't have been reaped, so the pid is still its own; a zombie has a pidfd, too.
            child.pid = Some((pid, process::pidfd(pid).ok()));
            self.events.push_back(Event::Hello { ticket, pid });
        }
    }
}

/// Milliseconds rounded up, so that a wait never ends just before its time.
fn timeout(left: Duration) -> EpollTimeout {
    EpollTimeout::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(EpollTimeout::MAX)
}

/// Makes orphaned descendants children of this process. Answers whether they will come.
fn adopt_orphans() -> bool {
    process::adopt_orphans()
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Supervision", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("new", function!(Supervision::new, 2))?;
    class.define_singleton_method("adopt_orphans", function!(adopt_orphans, 0))?;
    class.define_method("signal", method!(Supervision::signal, 1))?;
    class.define_method("wait", method!(Supervision::wait, 0))?;
    class.define_method("boot_channel", method!(Supervision::boot_channel, 0))?;
    class.define_method("booted", method!(Supervision::booted, 1))?;
    class.define_method("close", method!(Supervision::close, 0))?;
    Ok(())
}

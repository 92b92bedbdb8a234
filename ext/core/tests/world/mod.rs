//! A fake kernel: virtual processes carry out what the supervisor answers, late, out of order, or not at all.
//!
//! Time is virtual and every delay comes from one seed, so a failing case is a value that proptest can shrink. What the
//! real world promises is kept: the messages of one channel arrive in order and before its end-of-file, a pid is not
//! reused before it is reaped. Nothing is promised between channels, nor between a channel and the end of its process.

#![allow(dead_code)] // each test crate uses its part

mod agenda;
mod checks;
mod life;
pub mod script;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Settings, Supervisor};
use pitchfork_core::wire::{Seat, Ticket};

pub use agenda::Dice;
use agenda::{Agenda, Happening};
use checks::Books;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How often what goes wrong, in percent of the occasions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A new process dies before its first message.
    pub stillborn: u32,
    /// It dies between that and being ready.
    pub dies_young: u32,
    /// It dies at any moment of its first two seconds at work.
    pub dies_at_work: u32,
    /// ... or leaves with status 0 then.
    pub leaves: u32,
    /// It hangs for ever, before it is ready or later.
    pub hangs: u32,
    /// fork(2) fails.
    pub fork_fails: u32,
    /// A worker refuses its promotion.
    pub refuses: u32,
    /// The order can't even be sent.
    pub unreachable: u32,
    /// The end of a process is reported before its last messages.
    pub reaped_early: u32,
}

/// A virtual process.
#[derive(Debug)]
pub struct Virtual {
    pub pid: u32,
    pub seat: Seat,
    pub mold: bool,
    pub ready: bool,
    pub hung: bool,
    pub dead: bool,
    /// Nothing bounds the time that an app takes to boot.
    pub booted: bool,
    /// The master hears of its end.
    pub ours: bool,
    pub warm_at: Option<u64>,
    /// Seats it was given and has not looked at.
    pub unread: Vec<Seat>,
    pub fate: ExitStatus,
}

/// A line of the story that leads to a failure.
#[derive(Debug)]
enum Said {
    Event(Event),
    Action(Action),
}

/// The supervisor and all that surrounds it.
pub struct World {
    pub supervisor: Supervisor,
    pub settings: Settings,
    pub now: Duration,
    pub faults: Faults,
    /// Whether clients send requests.
    pub traffic: bool,
    /// What was said last, with times.
    story: VecDeque<(Duration, Said)>,
    /// Log lines that tell of a failure.
    pub failures: u64,
    /// How many processes were asked for.
    pub attempts: u64,
    pub steps: u64,
    pub exited: Option<i32>,
    dice: Dice,
    agenda: Agenda,
    /// Alive, or dead and not yet reaped, by an identity that is never reused.
    lives: BTreeMap<u64, Virtual>,
    /// Whom a kill reaches: known since the first message.
    handles: BTreeMap<Ticket, u64>,
    last_life: u64,
    books: Books,
}

impl World {
    pub fn new(settings: Settings, faults: Faults, seed: u64) -> World {
        World {
            supervisor: Supervisor::new(settings.clone()),
            books: Books::new(&settings),
            settings,
            now: Duration::ZERO,
            faults,
            traffic: true,
            story: VecDeque::new(),
            failures: 0,
            attempts: 0,
            steps: 0,
            exited: None,
            dice: Dice::new(seed),
            agenda: Agenda::default(),
            lives: BTreeMap::new(),
            handles: BTreeMap::new(),
            last_life: 0,
        }
    }

    /// Tells the supervisor something, checks what it answers, and does it.
    pub fn tell(&mut self, event: Event) {
        if self.exited.is_some() {
            return;
        }
        self.steps += 1;
        self.note(Said::Event(event.clone()));
        self.books.heard(&event);
        let actions = self.supervisor.step(self.now, event);
        for action in actions {
            self.note(Said::Action(action.clone()));
            let fault = self.books.ordered(self.now, &action);
            self.check(fault);
            self.carry_out(action);
        }
        let fault = self.books.after_step(self.now, &self.supervisor);
        self.check(fault);
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.advance(end) {}
        self.now = end;
    }

    /// Lets time pass until nothing more would ever happen. Panics if that takes longer than `limit`.
    pub fn settle(&mut self, limit: Duration) {
        let end = self.now + limit;
        while self.advance(end) {}
        if self.agenda.next().is_some() || self.supervisor.deadline(self.now).is_some() {
            self.fail("it does not come to rest");
        }
    }

    /// The next thing happens, if that is not later than `end`.
    fn advance(&mut self, end: Duration) -> bool {
        let due = (self.exited.is_none())
            .then(|| self.supervisor.deadline(self.now))
            .flatten();
        let next = self.agenda.next();
        match (next, due) {
            (_, Some(due)) if due <= end && next.is_none_or(|at| due <= at) => {
                self.now = due;
                self.tell(Event::Tick);
                true
            }
            (Some(at), _) if at <= end => {
                let (at, happening) = self.agenda.pop().expect("just seen");
                self.now = at;
                self.happen(happening);
                true
            }
            _ => false,
        }
    }

    /// Kills the `index`th living process, as the kernel's OOM killer would.
    pub fn crash(&mut self, index: usize, molds_only: bool) {
        let living: Vec<u64> = (self.lives.iter())
            .filter(|(_, life)| !life.dead && (life.mold || !molds_only))
            .map(|(id, _)| *id)
            .collect();
        if !living.is_empty() {
            let id = living[index % living.len()];
            self.happen(Happening::Dies(id, 9));
        }
    }

    /// The requests that hang reach their hard deadline.
    pub fn end_hung_requests(&mut self) {
        let hung = |life: &Virtual| life.hung && life.ready && !life.mold && !life.dead;
        let ids: Vec<u64> = (self.lives.iter())
            .filter(|(_, life)| hung(life))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.happen(Happening::Dies(id, 9));
        }
    }

    /// The virtual processes that live.
    pub fn living(&self) -> impl Iterator<Item = &Virtual> {
        self.lives.values().filter(|life| !life.dead)
    }

    /// Whether `floor` is from now on checked: nothing fails in this run.
    pub fn expect_capacity(&mut self) {
        self.books.expects_capacity = true;
    }

    /// Notes how many requests a worker has completed.
    pub fn observe(&mut self, index: usize, requests: u64) {
        let tickets: Vec<Ticket> = (self.supervisor.processes().iter())
            .map(|p| p.ticket())
            .collect();
        if !tickets.is_empty() {
            (self.supervisor).observe(tickets[index % tickets.len()], requests);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::BootMold(seat) => self.boot(seat),
            Action::Spawn {
                mold,
                seat,
                warm_at,
            } => {
                self.attempts += 1;
                self.send(mold, seat, life::Wish::Worker { warm_at });
            }
            Action::Promote {
                worker,
                seat,
                in_place,
            } => {
                self.attempts += 1;
                self.send(worker, seat, life::Wish::Mold { in_place });
            }
            Action::Serve(ticket) => self.order(ticket, Happening::Serves),
            Action::Retire(ticket) => self.order(ticket, Happening::Leaves),
            Action::Kill(ticket) => {
                if let Some(id) = self.handles.get(&ticket).copied() {
                    self.later(ms(5), Happening::Dies(id, 9));
                }
            }
            Action::Forget(ticket) => self.hang_up(ticket),
            Action::Exit(status) => self.exited = Some(status),
            Action::Log(_, text) => self.failures += u64::from(text.contains("failed")),
            Action::Listen | Action::ServerReady | Action::WorkerExited { .. } => {}
        }
    }

    fn note(&mut self, said: Said) {
        const STORY: usize = 120;
        self.story.push_back((self.now, said));
        if self.story.len() > STORY {
            self.story.pop_front();
        }
    }

    fn check(&self, fault: Result<(), String>) {
        if let Err(fault) = fault {
            self.fail(&fault);
        }
    }

    /// Panics with the story that led here.
    pub fn fail(&self, fault: &str) -> ! {
        let line = |(at, said): &(Duration, Said)| match said {
            Said::Event(event) => format!("{at:?} {event:?}"),
            Said::Action(action) => format!("{at:?}     {action:?}"),
        };
        let story = self.story.iter().map(line).collect::<Vec<_>>().join("\n");
        let state = &self.supervisor;
        panic!("{story}\n{state:#?}\nafter {} steps: {fault}", self.steps);
    }
}

//! The life of the processes, decided: events in, actions out.
//!
//! [`Supervisor`] does no I/O and has no clock: the shell (the extension's `master.rs`) tells it what happened and when,
//! and carries out what it answers. Times are monotonic durations since any fixed moment.
//!
//! The work is split by question:
//! * `handle`: what does an event say about the processes?
//! * `end`: who goes, who has gone, and does that count as a failure?
//! * `reconcile`: what is missing or superfluous, compared with what is wished?
//! * `refork`: is one due, under way, or has it failed?
//! * `promotion`: who becomes the next mold?
//! * `rollout`: how far are its workers?
//!
//! Everything from `reconcile` on is *level-triggered*: it looks at the state as it is, never at how it came to
//! be, so a lost or doubled event can delay the wished state but not prevent it.

mod end;
mod event;
mod handle;
mod process;
mod promotion;
mod reconcile;
mod refork;
mod rollout;
mod settings;

use std::time::Duration;

use crate::policy::Backoff;
use crate::wire::{Seat, Ticket};

pub use event::{Action, Event, ExitStatus, Level};
pub use process::{Process, Role, State};
pub use refork::Refork;
pub use settings::{Promotion, Settings};

/// The state machine of the master.
#[derive(Debug)]
pub struct Supervisor {
    settings: Settings,
    /// Workers wished for: `settings.workers`, and what TTIN and TTOU made of it.
    workers: u32,
    processes: Vec<Process>,
    last_ticket: u64,
    phase: Phase,
    started: Duration,
    listening: bool,
    /// All first workers have been ready once.
    announced: bool,
    /// The newest generation that has had a mold.
    newest: Option<u32>,
    refork: Refork,
    /// The operator asked for a refork that has not begun.
    refork_wanted: bool,
    /// Failed promotions and rollouts.
    refork_backoff: Backoff,
    /// Failed workers.
    spawn_backoff: Backoff,
    /// Failed spawns since the last one that became ready.
    spawn_errors: u32,
    /// Failed attempts at getting a mold again.
    mold_backoff: Backoff,
    mold_attempts: u32,
    actions: Vec<Action>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No mold has ever been ready: a failure means that the app does not boot.
    Booting,
    Serving,
    /// Going, with this exit status.
    Stopping(i32),
    Stopped,
}

impl Supervisor {
    /// Nothing runs yet; [`Event::Start`] begins.
    pub fn new(settings: Settings) -> Self {
        const fn ms(millis: u64) -> Duration {
            Duration::from_millis(millis)
        }
        Supervisor {
            workers: settings.workers,
            settings,
            processes: Vec::new(),
            last_ticket: 0,
            phase: Phase::Booting,
            started: Duration::ZERO,
            listening: false,
            announced: false,
            newest: None,
            refork: Refork::Idle,
            refork_wanted: false,
            refork_backoff: Backoff::new(ms(5_000), ms(10_000), ms(600_000)),
            spawn_backoff: Backoff::new(ms(0), ms(100), ms(5_000)),
            spawn_errors: 0,
            mold_backoff: Backoff::new(ms(0), ms(500), ms(30_000)),
            mold_attempts: 0,
            actions: Vec::new(),
        }
    }

    /// Takes in one event and answers what to do now, in this order.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        if self.phase == Phase::Stopped {
            return Vec::new();
        }
        self.handle(now, event);
        self.expire(now);
        self.reconcile(now);
        std::mem::take(&mut self.actions)
    }

    /// Notes how many requests a worker has completed. Cheap; changes nothing by itself.
    pub fn observe(&mut self, ticket: Ticket, requests: u64) {
        if let Some(process) = self.find_mut(ticket) {
            process.requests = requests;
        }
    }

    /// When a [`Event::Tick`] is needed, if nothing else happens before. Never earlier than `now`.
    pub fn deadline(&self, now: Duration) -> Option<Duration> {
        let backoffs = [
            &self.spawn_backoff,
            &self.mold_backoff,
            &self.refork_backoff,
        ];
        let waits = backoffs.into_iter().filter_map(|b| b.wakes(now));
        let deadlines = self.processes.iter().filter_map(|p| p.deadline);
        waits.chain(deadlines).min().map(|at| at.max(now))
    }

    /// All processes asked for and not yet gone.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// What is being promoted or rolled out.
    pub fn refork(&self) -> Refork {
        self.refork
    }

    /// How many workers are wished for.
    pub fn wished_workers(&self) -> u32 {
        self.workers
    }

    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping(_) | Phase::Stopped)
    }

    /// How many workers serve or can serve, the ones on their way out not counted.
    pub fn ready_workers(&self) -> u32 {
        let ready = self.processes.iter().filter(|p| p.is_ready_worker());
        u32::try_from(ready.count()).unwrap_or(u32::MAX)
    }

    /// The mold that new workers are forked from: the newest that can fork.
    pub fn mold(&self) -> Option<&Process> {
        let molds = self.processes.iter().filter(|p| p.is_ready_mold());
        molds.max_by_key(|p| p.generation())
    }

    fn find(&self, ticket: Ticket) -> Option<&Process> {
        self.processes.iter().find(|p| p.ticket() == ticket)
    }

    fn find_mut(&mut self, ticket: Ticket) -> Option<&mut Process> {
        self.processes.iter_mut().find(|p| p.ticket() == ticket)
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Process> {
        let index = self.processes.iter().position(|p| p.ticket() == ticket)?;
        Some(self.processes.remove(index))
    }

    /// Takes a new process into the books. The lowest free row keeps the scoreboard dense.
    fn enlist(
        &mut self,
        now: Duration,
        role: Role,
        nr: u32,
        generation: u32,
        parent: Option<Ticket>,
    ) -> Seat {
        self.last_ticket += 1;
        let mut taken = vec![false; self.processes.len() + 1];
        for process in &self.processes {
            if let Some(row) = taken.get_mut(process.seat.row as usize) {
                *row = true;
            }
        }
        let free = taken.iter().position(|taken| !taken);
        let row = free.expect("one more row than processes") as u32;
        let seat = Seat {
            ticket: Ticket(self.last_ticket),
            nr,
            generation,
            row,
            sibling: self.settings.adopts,
        };
        self.processes.push(Process {
            seat,
            role,
            state: State::Starting,
            pid: None,
            parent,
            since: now,
            // Only a fork is bounded: an app may take minutes to boot.
            deadline: parent.map(|_| now + self.settings.spawn_timeout),
            requests: 0,
            warm: false,
            refused: false,
            failures: 0,
            closed: false,
            killed: false,
        });
        seat
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn log(&mut self, level: Level, text: String) {
        self.actions.push(Action::Log(level, text));
    }
}

/// A duration as log lines show it.
fn seconds(duration: Duration) -> String {
    format!("{:.3}s", duration.as_secs_f64())
}

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
//! * `rollout`: how far are its workers, and who else is to be replaced?
//! * `restart`: how far is the new code?
//! * `watch`: whose time is up, and who stands still?
//! * `services`: are the service workers there?
//! * `memory`: how much do workers have, and what follows from that?
//!
//! Everything from `reconcile` on is *level-triggered*: it looks at the state as it is, never at how it came to
//! be, so a lost or doubled event can delay the wished state but not prevent it.

mod end;
mod event;
mod handle;
mod memory;
mod process;
mod promotion;
mod reconcile;
mod refork;
mod restart;
mod rollout;
mod services;
mod settings;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::planted::{Bug, planted};
use crate::policy::{Backoff, Sharing};
use crate::wire::{Seat, Ticket};

pub use event::{Action, Event, ExitStatus, Level, Observation, Request};
pub use process::{Memory, Process, Role, State, Wear};
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
    /// The version of the code that serves.
    version: u32,
    /// The version that is booting, or whose first worker is on probation.
    upcoming: Option<Version>,
    /// A hot restart that has not begun.
    restart: Option<Version>,
    refork: Refork,
    /// The operator asked for a refork that has not begun.
    refork_wanted: bool,
    /// Failed promotions and rollouts.
    refork_backoff: Backoff,
    /// Workers that were never ready.
    spawn_backoff: Backoff,
    /// Workers that were ready and died at once. Nearly each of them could serve, so they are soon replaced.
    crash_backoff: Backoff,
    /// Failed service workers, by number.
    service_backoffs: BTreeMap<u32, Backoff>,
    /// Failed spawns since the last one that became ready.
    spawn_errors: u32,
    /// Failed attempts at getting a mold again.
    mold_backoff: Backoff,
    /// Molds that were ready and died at once: as for workers.
    mold_crash_backoff: Backoff,
    mold_attempts: u32,
    /// How long the last mold that was booted took to be ready, by version.
    boots: BTreeMap<u32, Duration>,
    /// Spawns of this mold that failed in a row, and since when.
    barren: Option<(Ticket, u32, Duration)>,
    /// How many more workers there is memory for; `None`: nobody knows.
    room: Option<u32>,
    /// `refork_when :sharing`, if it is wished for.
    sharing: Option<Sharing>,
    /// Who was measured since the last step.
    weighed: Vec<Ticket>,
    /// There is a measurement that `sharing` has not seen.
    looks: bool,
    /// Counts measurements.
    turns: u64,
    memory_readable: bool,
    /// Workers that were over their memory limit as soon as they served.
    limit_backoff: Backoff,
    /// The generation of which the log has said that.
    limit_told: Option<u32>,
    counters: Counters,
    actions: Vec<Action>,
}

/// A version of the code, and the settings that come with it.
#[derive(Clone, Debug)]
struct Version {
    number: u32,
    settings: Box<Settings>,
}

/// What has happened how often, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Rollouts that came to their end.
    pub rollouts: u64,
    /// Promotions and rollouts that failed.
    pub failed_reforks: u64,
    /// Hot restarts that came into force.
    pub restarts: u64,
    /// Hot restarts that failed.
    pub failed_restarts: u64,
    /// Workers that died or failed without having been asked to go.
    pub lost_workers: u64,
    /// Molds likewise.
    pub lost_molds: u64,
    /// Requests that passed their soft deadline.
    pub soft_timeouts: u64,
    /// Requests that passed their hard deadline.
    pub hard_timeouts: u64,
    /// Workers that were replaced because they had too much memory.
    pub memory_retirements: u64,
    /// Reforks that `refork_when :sharing` has begun.
    pub sharing_reforks: u64,
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
            sharing: settings.sharing(),
            settings,
            processes: Vec::new(),
            last_ticket: 0,
            phase: Phase::Booting,
            started: Duration::ZERO,
            listening: false,
            announced: false,
            newest: None,
            version: 1,
            upcoming: None,
            restart: None,
            refork: Refork::Idle,
            refork_wanted: false,
            refork_backoff: Backoff::new(ms(5_000), ms(10_000), ms(600_000)),
            spawn_backoff: Backoff::new(ms(0), ms(100), ms(5_000)),
            crash_backoff: Backoff::new(ms(0), ms(100), ms(1_000)),
            service_backoffs: BTreeMap::new(),
            spawn_errors: 0,
            mold_backoff: Backoff::new(ms(0), ms(500), ms(30_000)),
            mold_crash_backoff: Backoff::new(ms(0), ms(100), ms(1_000)),
            mold_attempts: 0,
            boots: BTreeMap::new(),
            barren: None,
            room: None,
            weighed: Vec::new(),
            looks: false,
            turns: 0,
            memory_readable: true,
            limit_backoff: Backoff::new(ms(0), ms(10_000), ms(600_000)),
            limit_told: None,
            counters: Counters::default(),
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
        self.watch(now);
        self.weigh(now);
        self.reconcile(now);
        std::mem::take(&mut self.actions)
    }

    /// Notes what the scoreboard says of a worker. Cheap; changes nothing by itself.
    pub fn observe(&mut self, ticket: Ticket, observed: Observation) {
        if let Some(process) = self.find_mut(ticket) {
            process.requests = observed.requests;
            process.request = observed.request;
        }
    }

    /// Notes how much memory of its own and shared a worker has, in bytes: the largest are not promoted.
    pub fn observe_size(&mut self, ticket: Ticket, size: u64) {
        if let Some(process) = self.find_mut(ticket) {
            process.size = Some(size);
        }
    }

    /// Notes how many more workers there is memory for; `None`: nobody knows. Asked for only when
    /// [`wants_room`](Self::wants_room).
    pub fn observe_room(&mut self, room: Option<u32>) {
        self.room = room;
    }

    /// Whether workers are being replaced, so that it matters how many more there is memory for.
    pub fn wants_room(&self) -> bool {
        let replaces = |p: &Process| p.is_outworn() || self.is_over_limit(p);
        self.refork != Refork::Idle || self.processes.iter().any(replaces)
    }

    /// When a [`Event::Tick`] is needed, if nothing else happens before. Never earlier than `now`.
    pub fn deadline(&self, now: Duration) -> Option<Duration> {
        let backoffs = [
            &self.spawn_backoff,
            &self.crash_backoff,
            &self.mold_backoff,
            &self.mold_crash_backoff,
            &self.refork_backoff,
        ];
        let backoffs = backoffs.into_iter().chain(self.service_backoffs.values());
        let waits = backoffs.filter_map(|b| b.wakes(now));
        let deadlines = (self.processes.iter()).filter_map(|p| self.process_deadline(p));
        (waits.chain(deadlines).chain(self.probation_ends()))
            .min()
            .map(|at| at.max(now))
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

    /// The mold that new workers are forked from: the newest that can fork. Not one of code that was replaced.
    pub fn mold(&self) -> Option<&Process> {
        let molds = (self.processes.iter()).filter(|p| p.is_ready_mold());
        molds
            .filter(|p| p.version >= self.version)
            .max_by_key(|p| (p.version, p.generation()))
    }

    /// The version of the code that serves. A hot restart that is under way does not count.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What has happened how often.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Tickets only grow, so the processes are sorted by them.
    fn index(&self, ticket: Ticket) -> Option<usize> {
        (self.processes)
            .binary_search_by_key(&ticket, Process::ticket)
            .ok()
    }

    fn find(&self, ticket: Ticket) -> Option<&Process> {
        self.index(ticket).map(|index| &self.processes[index])
    }

    fn find_mut(&mut self, ticket: Ticket) -> Option<&mut Process> {
        self.index(ticket).map(|index| &mut self.processes[index])
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Process> {
        (self.index(ticket)).map(|index| self.processes.remove(index))
    }

    /// Takes a new process into the books. The lowest free row keeps the scoreboard dense.
    fn enlist(
        &mut self,
        now: Duration,
        role: Role,
        nr: u32,
        generation: u32,
        version: u32,
        parent: Option<Ticket>,
    ) -> Seat {
        self.last_ticket += 1;
        let mut taken = vec![false; self.processes.len() + 1];
        for process in
            (self.processes.iter()).filter(|p| p.is_live() || !planted(Bug::GivesRowsAwayTwice))
        {
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
            service: role == Role::Service,
        };
        let name = (role == Role::Service)
            .then(|| self.settings_of(version).services.get(nr as usize).cloned())
            .flatten();
        let of_boot_mold = (parent.and_then(|parent| self.find(parent)))
            .is_some_and(|parent| parent.role == Role::Mold && parent.parent.is_none());
        self.processes.push(Process {
            of_boot_mold,
            seat,
            role,
            name,
            version,
            state: State::Starting,
            pid: None,
            parent,
            since: now,
            deadline: match parent {
                Some(_) => Some(now + self.settings.spawn_timeout),
                None => self.boot_allowance(version).map(|allowed| now + allowed),
            },
            requests: 0,
            request: None,
            size: None,
            memory: None,
            interrupted: None,
            expires: None,
            allowance: None,
            wear: None,
            paused: None,
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

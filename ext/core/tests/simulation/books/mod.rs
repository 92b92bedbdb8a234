//! What must hold, whatever happens: an outsider's view, from the events and actions alone.

mod generations;
mod numbers;
mod partings;
mod record;
mod sharing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pitchfork_core::supervisor::{Action, Event, Role, Settings, Supervisor};
use pitchfork_core::wire::{Seat, Ticket};

use crate::kernel::{EPIPE, Kernel};
use record::{Record, Refork};

pub struct Books {
    /// Time that the master was awake: leaps of the clock do not count.
    patience: Duration,
    /// Of each version that was ever asked for.
    settings: BTreeMap<u32, Settings>,
    /// The version in force.
    version: u32,
    /// Restarts that nobody has answered yet.
    restarts: BTreeSet<u32>,
    /// Who was asked for and is not forgotten.
    records: BTreeMap<Ticket, Record>,
    last_ticket: Option<Ticket>,
    /// Pids whose `WorkerExited` may follow.
    buried: BTreeSet<(u32, u32)>,
    /// Who is asked to go in this step.
    sent_away: BTreeSet<Ticket>,
    /// One of replaced code was forgotten in it.
    shed: bool,
    /// What is said in it that may be a reason to kill: the log's lines, ...
    said: Vec<String>,
    /// ... who has not forked in time, ...
    barren: BTreeSet<Ticket>,
    /// ... and whose request is over its hard deadline.
    timed_out: BTreeSet<Ticket>,
    refork: Option<Refork>,
    listening: bool,
    announced: bool,
    stopping: bool,
    exited: bool,
    wished: u32,
    /// The operator wanted all workers to go, and nothing else since.
    emptied: bool,
    /// Nothing fails in this run, so that there are always enough workers.
    pub expects_capacity: bool,
    /// There has been no room for one more worker.
    pub cramped: bool,
    /// So many were ready, and are wished for still.
    floor: u32,
    /// So many of them may be missing.
    lent: u32,
    sharing: sharing::Last,
}

pub type Check = Result<(), String>;

pub fn ensure(holds: bool, otherwise: &str) -> Check {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_string())
    }
}

impl Books {
    pub fn new(settings: &Settings) -> Books {
        Books {
            patience: Duration::ZERO,
            settings: BTreeMap::from([(1, settings.clone())]),
            version: 1,
            restarts: BTreeSet::new(),
            records: BTreeMap::new(),
            last_ticket: None,
            buried: BTreeSet::new(),
            sent_away: BTreeSet::new(),
            shed: false,
            said: Vec::new(),
            barren: BTreeSet::new(),
            timed_out: BTreeSet::new(),
            refork: None,
            listening: false,
            announced: false,
            stopping: false,
            exited: false,
            wished: settings.workers,
            emptied: false,
            expects_capacity: false,
            cramped: false,
            floor: 0,
            lent: 0,
            sharing: sharing::Last::default(),
        }
    }

    /// Before a step. `patience` is the clock without its leaps.
    pub fn heard(&mut self, patience: Duration, event: &Event) {
        self.patience = patience;
        self.sent_away.clear();
        self.shed = false;
        self.said.clear();
        self.barren.clear();
        self.timed_out.clear();
        match event {
            Event::Ready { ticket } => {
                self.note(*ticket, |record| record.ready_at = Some(patience));
            }
            Event::Closed { ticket } => self.note(*ticket, |record| {
                record.closed_at = record.closed_at.or(Some(patience))
            }),
            Event::Hello { ticket, pid } => self.note(*ticket, |record| {
                (record.pid, record.said_hello_at) = (Some(*pid), patience);
            }),
            Event::RemoveWorkers => {
                self.emptied = true;
                // Nobody is there to be the canary.
                self.refork = self.refork.map(|refork| Refork {
                    proven: true,
                    ..refork
                });
            }
            Event::AddWorker => self.emptied = false,
            Event::Milestone { ticket, requests } => {
                self.served(*ticket, *requests);
            }
            Event::Restart { version, settings } => {
                self.emptied = false;
                self.settings.insert(*version, (**settings).clone());
                self.restarts.insert(*version);
            }
            // Its parent could not be told.
            Event::ForkFailed {
                ticket,
                errno: EPIPE,
            } => {
                if let Some(parent) = self.records.get(ticket).and_then(|record| record.parent) {
                    self.note(parent, |record| {
                        record.closed_at = record.closed_at.or(Some(patience))
                    });
                }
            }
            Event::Stopped { pid } => {
                let mut records = self.records.values_mut();
                let found = records.find(|record| record.pid == Some(*pid));
                if let Some(record) = found {
                    record.stopped_at = Some(patience);
                }
            }
            Event::Stop { .. } => self.stopping = true,
            _ => {}
        }
    }

    /// A worker's row, or the worker, says how much it has served.
    pub fn served(&mut self, ticket: Ticket, requests: u64) {
        self.note(ticket, |record| record.served = requests.max(record.served));
    }

    fn note(&mut self, ticket: Ticket, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.records.get_mut(&ticket) {
            change(record);
        }
    }

    fn find(&self, ticket: Ticket) -> Result<&Record, String> {
        self.records
            .get(&ticket)
            .ok_or(format!("{ticket:?} is a stranger"))
    }

    fn introduce(&mut self, seat: Seat, role: Role, version: u32, parent: Option<Ticket>) -> Check {
        ensure(!self.stopping, "a new process after the end has begun")?;
        let row_taken = self
            .records
            .values()
            .any(|record| record.seat.row == seat.row);
        ensure(!row_taken, "its row is taken")?;
        ensure(self.last_ticket < Some(seat.ticket), "a ticket used twice")?;
        self.last_ticket = Some(seat.ticket);
        let record = Record::new(seat, role, version, parent, self.patience);
        self.records.insert(seat.ticket, record);
        Ok(())
    }

    /// An action, before it is carried out.
    pub fn ordered(&mut self, action: &Action, kernel: &Kernel) -> Check {
        ensure(!self.exited, "an action after the exit")?;
        match action {
            Action::BootMold { seat, version } => {
                self.boots(seat, *version)?;
                self.introduce(*seat, Role::Mold, *version, None)
            }
            Action::Spawn { mold, seat, .. } => self.spawns(*mold, *seat),
            Action::Promote { worker, seat, .. } => self.promotes(*worker, *seat),
            Action::Listen => {
                self.listening = true;
                Ok(())
            }
            Action::Serve(ticket) => {
                ensure(self.listening, "serves before it listens")?;
                let record = self.find(*ticket)?;
                let able = record.role == Role::Worker && record.is_at_work() && !record.serving;
                ensure(able, "told to serve twice, or who can't")?;
                self.note(*ticket, |record| record.serving = true);
                Ok(())
            }
            Action::Milestone { ticket, .. } => self.find(*ticket).map(drop),
            Action::Interrupt(ticket) => self.interrupts(*ticket, kernel),
            Action::HardTimeout { pid, .. } => self.times_out(*pid, kernel),
            Action::Retire(ticket) => self.retires(*ticket),
            Action::Kill(ticket) => self.kills(*ticket),
            Action::Forget(ticket) => self.forgets(*ticket),
            Action::WorkerExited { nr, pid, .. } => {
                let was = self.buried.remove(&(*nr, *pid));
                ensure(was, "a worker that did not exist has ended")
            }
            Action::ServerReady => {
                ensure(
                    self.listening && !self.announced,
                    "announced too early, or twice",
                )?;
                self.announced = true;
                Ok(())
            }
            Action::Restarted { version } => self.restarted(*version),
            Action::RestartFailed { version, .. } => {
                ensure(
                    self.restarts.remove(version),
                    "the failure of a restart that was not asked for",
                )?;
                self.refork = self.refork.filter(|refork| refork.version != *version);
                Ok(())
            }
            Action::RolloutDone { generation } => {
                let was = self
                    .refork
                    .take()
                    .is_some_and(|refork| refork.generation == *generation);
                ensure(was, "the end of a rollout that was not")
            }
            Action::Exit(_) => {
                ensure(
                    self.records.is_empty(),
                    "it exits and leaves processes behind",
                )?;
                self.exited = true;
                Ok(())
            }
            Action::Log(_, text) => {
                self.reads(text);
                Ok(())
            }
        }
    }

    fn reads(&mut self, text: &str) {
        self.said.push(text.to_string());
        if text.starts_with("refork to gen=") {
            self.refork = None;
        }
        self.stopping |= text.contains("giving up") || text.contains("did not boot");
        if self.stopping {
            self.refork = None;
        }
    }

    /// The state after all that.
    pub fn after_step(&mut self, clock: Duration, supervisor: &Supervisor) -> Check {
        let processes = supervisor.processes();
        let same = processes
            .iter()
            .map(|p| p.ticket())
            .eq(self.records.keys().copied());
        ensure(same, "open channels and known processes differ")?;
        let due = supervisor.deadline(clock);
        ensure(
            due.is_none_or(|due| due > clock),
            "what is due was not done: it would spin",
        )?;
        if self.stopping {
            return Ok(());
        }
        self.check_versions(supervisor)?;
        self.check_refork(supervisor)?;
        self.judge_canary();
        self.check_numbers(supervisor)?;
        self.check_sharing(clock, supervisor)?;
        self.check_capacity(supervisor)
    }

    /// Whether every hot restart has been answered.
    pub fn owes_an_answer(&self) -> bool {
        !self.restarts.is_empty()
    }
}

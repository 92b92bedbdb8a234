//! What is missing or superfluous, compared with what is wished.

use std::time::Duration;

use super::{Action, Level, Phase, Process, Refork, Role, Supervisor, seconds};
use crate::planted::{Bug, planted};
use crate::wire::Ticket;

/// So many forks a mold is asked for at once. It forks one after the other, tens of milliseconds each with a large heap,
/// and the time of each counts from when it was asked for: with more, the last ones would be late through no fault.
const FORKS_AHEAD: usize = 8;

/// So often one step may lead to another in one event: far more often than any sound state needs, so that a state that is not
/// does not stop the master.
const ROUNDS: usize = 100;

impl Supervisor {
    pub(super) fn reconcile(&mut self, now: Duration) {
        if let Phase::Stopping(status) = self.phase {
            if self.processes.is_empty() {
                self.phase = Phase::Stopped;
                self.log(Level::Info, "stopped".to_string());
                self.act(Action::Exit(status));
            }
            return;
        }
        // What a later step does may allow an earlier one to do more, and no event need follow that would ask again.
        for _ in 0..ROUNDS {
            let before = (self.actions.len(), self.refork);
            self.check_refork(now);
            self.keep_a_mold(now);
            self.remove_surplus(now);
            self.fill_gaps(now);
            self.keep_services(now);
            self.drive_refork(now);
            self.renew(now);
            if before == (self.actions.len(), self.refork) {
                break;
            }
        }
        self.announce(now);
    }

    /// A server without a mold serves on, and gets itself a new one: by promoting a worker, which is warm, or else by
    /// booting the app again. Whichever failed last, the other is tried next.
    fn keep_a_mold(&mut self, now: Duration) {
        // A mold that boots new code is none yet: it may never be ready.
        let has_one = (self.processes.iter())
            .filter(|p| p.role == Role::Mold && p.is_live() && p.version >= self.version)
            .any(|p| !self.is_booting(p));
        let may_try = self.mold_backoff.permits(now) && self.mold_crash_backoff.permits(now);
        if has_one || !may_try {
            return;
        }
        let promotes = self.mold_attempts % 2 == 0
            && self.phase == Phase::Serving
            && self.refork == Refork::Idle;
        self.mold_attempts += 1;
        if promotes && self.settings.adopts && self.promote_best(now) {
            return;
        }
        let generation = self.next_generation();
        let version = self.version;
        let seat = self.enlist(now, Role::Mold, 0, generation, version, None);
        self.act(Action::BootMold { seat, version });
    }

    /// How long a mold of this version may boot. The first one may take as long as it wants: an app may need minutes, and nothing
    /// else can be done. Of the next ones it is known how long that was, and one that hangs must not keep the server without a
    /// mold. It boots beside busy workers, and where even this was too short the next one has more.
    pub(super) fn boot_allowance(&self, version: u32) -> Option<Duration> {
        let took = *self.boots.get(&version)?;
        let attempts = (self.mold_attempts / 2).max(1); // a promotion comes before each
        Some(self.settings.spawn_timeout + took * 4 * attempts)
    }

    /// Every generation that is, or was to be, is older than the next.
    pub(super) fn next_generation(&self) -> u32 {
        let living = self.processes.iter().map(Process::generation).max();
        living.max(self.newest).map_or(0, |newest| newest + 1)
    }

    /// Retires numbers beyond what is wished, and the older holder of a number whose newer one is ready.
    fn remove_surplus(&mut self, now: Duration) {
        let mut newest = vec![None; self.workers as usize];
        let counts =
            |p: &&Process| p.is_ready_worker() || planted(Bug::RetiresFirst) && p.is_live();
        for process in self.processes.iter().filter(counts) {
            if let Some(newest) = newest.get_mut(process.seat.nr as usize) {
                *newest = (*newest).max(Some(process.ticket()));
            }
        }
        let superseded = |old: &Process| match newest.get(old.seat.nr as usize) {
            Some(newest) => *newest > Some(old.ticket()),
            None => true,
        };
        let surplus: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.role == Role::Worker && p.is_live())
            .filter(|p| superseded(p) && !self.is_asked(p))
            .map(Process::ticket)
            .collect();
        for ticket in surplus {
            self.retire(now, ticket);
        }
    }

    /// Whether a worker beyond what is wished may be about to become the mold. It leaves its number by that, or answers.
    fn is_asked(&self, worker: &Process) -> bool {
        let asked = |p: &Process| p.pid.is_none() && p.parent == Some(worker.ticket());
        worker.seat.nr >= self.workers && self.processes.iter().any(asked)
    }

    /// Spawns a worker for each number that nobody holds.
    fn fill_gaps(&mut self, now: Duration) {
        let held = self.numbers(Process::is_live);
        for nr in (0..self.workers).filter(|nr| !held[*nr as usize]) {
            if !self.is_reserved(nr) && !self.spawn(now, nr) {
                return;
            }
        }
    }

    /// Which numbers have a worker like this. One pass over all processes, for there may be a thousand.
    pub(super) fn numbers(&self, wanted: impl Fn(&Process) -> bool) -> Vec<bool> {
        let mut numbers = vec![false; self.workers as usize];
        for process in &self.processes {
            let number = numbers.get_mut(process.seat.nr as usize);
            if let (Some(held), Role::Worker) = (number, process.role) {
                *held |= wanted(process);
            }
        }
        numbers
    }

    /// Has the mold fork worker `nr`, unless forks fail. Answers whether it does.
    pub(super) fn spawn(&mut self, now: Duration, nr: u32) -> bool {
        self.spawn_backoff.permits(now)
            && self.crash_backoff.permits(now)
            && self.fork(now, Role::Worker, nr)
    }

    /// Has a mold fork a process, unless it has enough to do.
    pub(super) fn fork(&mut self, now: Duration, role: Role, nr: u32) -> bool {
        let Some(mold) = self.source(role) else {
            return false;
        };
        let (mold, generation, version) = (mold.ticket(), mold.generation(), mold.version);
        let ahead = (self.processes.iter())
            .filter(|p| p.pid.is_none() && p.parent == Some(mold))
            .count();
        if ahead >= FORKS_AHEAD {
            return false;
        }
        let seat = self.enlist(now, role, nr, generation, version, Some(mold));
        let milestone = (role == Role::Worker)
            .then(|| self.next_milestone(seat.ticket, version, generation, 0))
            .flatten();
        self.act(Action::Spawn {
            mold,
            seat,
            milestone,
        });
        true
    }

    fn announce(&mut self, now: Duration) {
        let complete = self.listening && self.ready_workers() >= self.workers;
        if self.announced || self.refork != Refork::Idle || !complete {
            return;
        }
        self.announced = true;
        // First the callback, so that who waits for the line finds its work done.
        self.act(Action::ServerReady);
        let generation = self.mold().map_or(0, Process::generation);
        let took = seconds(now.saturating_sub(self.started));
        self.log(
            Level::Info,
            format!(
                "server ready: {} workers gen={generation} in {took}",
                self.workers
            ),
        );
    }
}

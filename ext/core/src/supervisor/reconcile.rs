//! What is missing or superfluous, compared with what is wished.

use std::time::Duration;

use super::{Action, Level, Phase, Process, Refork, Role, State, Supervisor, seconds};
use crate::wire::Ticket;

impl Supervisor {
    /// Kills what has overstayed its deadline.
    pub(super) fn expire(&mut self, now: Duration) {
        let late: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.deadline.is_some_and(|at| at <= now))
            .map(Process::ticket)
            .collect();
        for ticket in late {
            let Some(process) = self.find_mut(ticket) else {
                continue; // went with the stop that an earlier one caused
            };
            process.deadline = None;
            if process.pid.is_some() {
                let text = format!("{process} {}: killed", fault(process.state));
                self.log(Level::Warn, text);
                self.act(Action::Kill(ticket));
            } else {
                self.never_came(now, ticket);
            }
        }
    }

    /// A process that has not even said hello in time. A mold that can't fork is stuck, so it has to go; a worker asked
    /// to fork a mold may only be busy with a request.
    fn never_came(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
        self.act(Action::Forget(ticket));
        let after = format!(
            "nothing heard of it in {}",
            seconds(self.settings.spawn_timeout)
        );
        let stuck = process.parent.and_then(|parent| self.find(parent));
        if let Some(mold) = stuck.filter(|p| p.role == Role::Mold).map(Process::ticket) {
            self.act(Action::Kill(mold));
        }
        self.lost(now, &process, &after);
    }

    pub(super) fn reconcile(&mut self, now: Duration) {
        if let Phase::Stopping(status) = self.phase {
            if self.processes.is_empty() {
                self.phase = Phase::Stopped;
                self.log(Level::Info, "stopped".to_string());
                self.act(Action::Exit(status));
            }
            return;
        }
        self.keep_a_mold(now);
        self.remove_surplus(now);
        self.fill_gaps(now);
        self.drive_refork(now);
        self.announce(now);
    }

    /// A server without a mold serves on, and gets itself a new one: by promoting a worker, which is warm, or else by
    /// booting the app again. Whichever failed last, the other is tried next.
    fn keep_a_mold(&mut self, now: Duration) {
        let has_one = self
            .processes
            .iter()
            .any(|p| p.role == Role::Mold && p.is_live());
        if has_one || !self.mold_backoff.permits(now) {
            return;
        }
        let promotes = self.mold_attempts.is_multiple_of(2) && self.phase == Phase::Serving;
        self.mold_attempts += 1;
        if promotes && self.settings.adopts && self.promote_best(now) {
            return;
        }
        let generation = self.next_generation();
        let seat = self.enlist(now, Role::Mold, 0, generation, None);
        self.act(Action::BootMold(seat));
    }

    /// Every generation that is, or was to be, is older than the next.
    pub(super) fn next_generation(&self) -> u32 {
        let living = self.processes.iter().map(Process::generation).max();
        living.max(self.newest).map_or(0, |newest| newest + 1)
    }

    /// Retires numbers beyond what is wished, and the older holder of a number whose newer one is ready.
    fn remove_surplus(&mut self, now: Duration) {
        let superseded = |old: &Process| {
            old.seat.nr >= self.workers
                || (self.processes.iter()).any(|new| {
                    new.is_ready_worker()
                        && new.seat.nr == old.seat.nr
                        && new.ticket() > old.ticket()
                })
        };
        let surplus: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.role == Role::Worker && p.is_live() && superseded(p))
            .map(Process::ticket)
            .collect();
        for ticket in surplus {
            self.retire(now, ticket);
        }
    }

    /// Spawns a worker for each number that nobody holds.
    fn fill_gaps(&mut self, now: Duration) {
        for nr in 0..self.workers {
            let held = self.processes.iter().any(|p| p.holds(nr));
            if !held && !self.is_reserved(nr) && self.spawn_backoff.permits(now) {
                self.spawn(now, nr);
            }
        }
    }

    /// Has the mold fork worker `nr`, unless the rollout's canary is still out.
    pub(super) fn spawn(&mut self, now: Duration, nr: u32) {
        if self.awaits_canary() {
            return;
        }
        let Some((mold, generation)) = self.mold().map(|m| (m.ticket(), m.generation())) else {
            return;
        };
        let seat = self.enlist(now, Role::Worker, nr, generation, Some(mold));
        let warm_at = self.settings.refork_after.threshold(generation);
        self.act(Action::Spawn {
            mold,
            seat,
            warm_at: warm_at.filter(|_| self.settings.adopts),
        });
    }

    fn announce(&mut self, now: Duration) {
        if self.announced || self.refork != Refork::Idle || self.ready_workers() < self.workers {
            return;
        }
        self.announced = true;
        let generation = self.mold().map_or(0, Process::generation);
        let took = seconds(now.saturating_sub(self.started));
        self.log(
            Level::Info,
            format!(
                "server ready: {} workers gen={generation} in {took}",
                self.workers
            ),
        );
        self.act(Action::ServerReady);
    }
}

/// What a process in this state has done to have overstayed its deadline.
fn fault(state: State) -> &'static str {
    match state {
        State::Starting => "was not ready in time",
        State::Ready => "closed its channel and stayed",
        State::Retiring => "did not retire in time",
    }
}

//! How far are the workers of the new mold?

use std::time::Duration;

use super::{Level, Process, Refork, Role, State, Supervisor, seconds};
use crate::wire::Ticket;

/// So many failed spawns in a row end a rollout that has an older mold to fall back to.
const ROLLOUT_SPAWN_ERRORS: u32 = 3;

impl Supervisor {
    /// A new mold is trusted with a second worker only when its first one lives.
    pub(super) fn awaits_canary(&self) -> bool {
        let Refork::Rolling {
            generation,
            proven: false,
            ..
        } = self.refork
        else {
            return false;
        };
        (self.processes.iter()).any(|p| p.role == Role::Worker && p.generation() == generation)
    }

    /// A mold is ready. If it was promoted its generation is rolled out; if it was booted it only takes the place of a lost
    /// one, for replacing warm workers by cold ones would win nothing.
    pub(super) fn begin_rollout(&mut self, ticket: Ticket) {
        let promoted = matches!(self.refork, Refork::Promoting { mold, .. } if mold == ticket);
        if let Some(mold) = self.find(ticket).filter(|_| promoted) {
            self.refork = Refork::Rolling {
                mold: ticket,
                generation: mold.generation(),
                since: mold.since,
                proven: false,
            };
        }
    }

    pub(super) fn advance_rollout(
        &mut self,
        now: Duration,
        generation: u32,
        since: Duration,
        proven: bool,
    ) {
        let outdated = self.outdated_workers(generation);
        if !proven || !self.settings.removes_first() {
            self.add_replacements(now, &outdated);
        } else {
            self.remove_outdated(now, &outdated);
        }
        let renewed = self.numbers(|p| p.is_ready_worker() && p.generation() == generation);
        let complete = renewed.into_iter().all(|is| is);
        if !complete {
            return;
        }
        let older = |p: &&Process| p.generation() < generation;
        let molds: Vec<Ticket> = (self.processes.iter().filter(older))
            .filter(|p| p.is_ready_mold())
            .map(Process::ticket)
            .collect();
        for mold in molds {
            self.retire(now, mold);
        }
        if !self.processes.iter().any(|p| older(&p)) {
            let took = seconds(now.saturating_sub(since));
            let text = format!(
                "rollout gen={generation} done in {took}: {} workers",
                self.workers
            );
            self.log(Level::Info, text);
            self.refork = Refork::Idle;
            self.refork_backoff.reset();
        }
    }

    /// Ready workers of older generations that nobody is on the way to replace, by number.
    fn outdated_workers(&self, generation: u32) -> Vec<Ticket> {
        let replaced = self.numbers(|p| p.is_live() && p.generation() == generation);
        let is_replaced = |old: &Process| replaced.get(old.seat.nr as usize) == Some(&true);
        let mut outdated: Vec<&Process> = (self.processes.iter())
            .filter(|p| p.is_ready_worker() && p.generation() < generation && !is_replaced(p))
            .collect();
        outdated.sort_by_key(|p| p.seat.nr);
        outdated.into_iter().map(Process::ticket).collect()
    }

    /// A replacement is ready before its predecessor is retired (`remove_surplus` does that).
    fn add_replacements(&mut self, now: Duration, outdated: &[Ticket]) {
        // Also those on their way out: until they are gone both take memory.
        let on_their_way = (self.processes.iter())
            .filter(|p| p.role == Role::Worker && p.state != State::Ready)
            .count();
        let batch = self.settings.batch(self.workers) as usize;
        for worker in outdated.iter().take(batch.saturating_sub(on_their_way)) {
            let nr = self.find(*worker).map(|p| p.seat.nr);
            if !nr.is_some_and(|nr| self.spawn(now, nr)) {
                return;
            }
        }
    }

    /// As many workers as may be missing are retired; `fill_gaps` replaces them once they are gone.
    fn remove_outdated(&mut self, now: Duration, outdated: &[Ticket]) {
        let missing = self.workers.saturating_sub(self.ready_workers());
        let spare = self.settings.budget(self.workers).saturating_sub(missing) as usize;
        for worker in outdated.iter().take(spare) {
            self.retire(now, *worker);
        }
    }

    /// A worker did not become ready, or died at once: was it the canary, or one too many? Then the new mold goes. Answers
    /// whether an older one takes over, so that the server is none the worse for it.
    pub(super) fn canary_lost(&mut self, now: Duration, process: &Process, why: &str) -> bool {
        let Refork::Rolling {
            mold, generation, ..
        } = self.refork
        else {
            return false;
        };
        let alone =
            !(self.processes.iter()).any(|p| p.is_ready_worker() && p.generation() == generation);
        let fallback = (self.processes.iter()).any(|p| p.is_ready_mold() && p.ticket() != mold);
        let hopeless = fallback && self.spawn_errors + 1 >= ROLLOUT_SPAWN_ERRORS;
        if process.generation() != generation || !(alone || hopeless) {
            return false;
        }
        let worker = self.find(mold).and_then(|mold| mold.parent);
        self.retire(now, mold);
        self.fail_refork(now, worker, why);
        if fallback {
            self.spawn_errors = 0;
        } else {
            self.mold_backoff.fail(now);
        }
        fallback
    }

    /// A mold that could fork is gone.
    pub(super) fn mold_lost(&mut self, now: Duration, process: &Process, why: &str) {
        if matches!(self.refork, Refork::Rolling { mold, .. } if mold == process.ticket()) {
            self.fail_refork(now, process.parent, why);
        }
    }
}

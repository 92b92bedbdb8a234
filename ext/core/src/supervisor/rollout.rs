//! How far are the workers of the new mold? And who else is to be replaced?

use std::time::Duration;

use super::{Action, Level, Process, Refork, Role, State, Supervisor, seconds};
use crate::planted::{Bug, planted};
use crate::wire::Ticket;

/// So many failed spawns in a row end a rollout that has an older mold to fall back to.
const ROLLOUT_SPAWN_ERRORS: u32 = 3;

impl Supervisor {
    /// Whether the first worker of this generation has yet to prove itself.
    pub(super) fn on_probation(&self, generation: u32) -> bool {
        matches!(self.refork, Refork::Rolling { generation: new, proven: false, .. } if new == generation)
    }

    /// The mold that forks next. While a new one's first worker is on probation that is the older one, so that whoever dies
    /// meanwhile is replaced at once.
    pub(super) fn source(&self, role: Role) -> Option<&Process> {
        let newest = self.mold()?;
        let generation = newest.generation();
        let is_canary = role == Role::Worker && self.canary_is_missing(generation);
        if !self.on_probation(generation) || is_canary {
            return Some(newest);
        }
        (self.processes.iter())
            .filter(|p| p.is_ready_mold() && p.version == self.version)
            .filter(|p| p.generation() != generation)
            .max_by_key(|p| p.generation())
    }

    /// A mold is ready. If it was promoted, or has booted new code, its generation is rolled out; otherwise it only takes the
    /// place of a lost one, for replacing warm workers by cold ones would win nothing.
    pub(super) fn begin_rollout(&mut self, now: Duration, ticket: Ticket, took: Duration) {
        let promotion = match self.refork {
            Refork::Promoting { mold, .. } if mold == ticket => Some(took),
            Refork::Booting { mold, .. } if mold == ticket => None,
            _ => return,
        };
        self.roll_out(now, ticket, promotion);
    }

    /// A hot restart whose mold was lost before all of the old code was replaced: the mold that came instead does the rest.
    pub(super) fn finish_restart(&mut self, now: Duration) {
        let old_code = (self.processes.iter()).any(|p| p.version < self.version);
        let mold = self.mold().map(Process::ticket).filter(|_| old_code);
        if let Some(mold) = mold.filter(|_| self.refork_backoff.permits(now)) {
            self.roll_out(now, mold, None);
        }
    }

    fn roll_out(&mut self, now: Duration, mold: Ticket, promotion: Option<Duration>) {
        if let Some(process) = self.find(mold) {
            self.refork = Refork::Rolling {
                mold,
                generation: process.generation(),
                since: now,
                promotion,
                proven: false,
            };
        }
    }

    /// Forks the canary, and sees whether it has proved itself: it has served, or at least lived for a while.
    pub(super) fn advance_probation(&mut self, now: Duration) {
        let Refork::Rolling {
            mold, generation, ..
        } = self.refork
        else {
            return;
        };
        let settings = self.settings_of(self.find(mold).map_or(self.version, |m| m.version));
        let (requests, time) = (settings.canary_requests, settings.canary_time);
        let has_proved_itself = |p: &Process| p.requests >= requests || now >= p.since + time;
        let proven = planted(Bug::TrustsAtOnce)
            || self.workers == 0 // nobody is there to be replaced
            || (self.canaries()).any(|p| p.paused.is_none() && has_proved_itself(p));
        if !proven {
            if self.canary_is_missing(generation) {
                let first = self.outdated_workers(generation).into_iter().take(1);
                self.add_replacements(now, &first.collect::<Vec<_>>());
            }
            return;
        }
        if let Refork::Rolling { proven, .. } = &mut self.refork {
            *proven = true;
        }
        self.commit_restart();
        self.advance_rollout(now);
    }

    /// Ready workers on probation: one, or none.
    fn canaries(&self) -> impl Iterator<Item = &Process> {
        (self.processes.iter()).filter(|p| p.is_ready_worker() && self.on_probation(p.generation()))
    }

    fn canary_is_missing(&self, generation: u32) -> bool {
        !(self.processes.iter())
            .any(|p| p.role == Role::Worker && p.is_live() && p.generation() == generation)
    }

    /// When the canary has lived long enough.
    pub(super) fn probation_ends(&self) -> Option<Duration> {
        let lives = |p: &Process| p.since + self.settings_of(p.version).canary_time;
        self.canaries()
            .filter(|p| p.paused.is_none())
            .map(lives)
            .min()
    }

    pub(super) fn advance_rollout(&mut self, now: Duration) {
        let Refork::Rolling {
            generation,
            since,
            promotion,
            ..
        } = self.refork
        else {
            return;
        };
        self.replace(
            now,
            &self.outdated_workers(generation),
            self.removes_first(),
        );
        let renewed = self.numbers(|p| p.is_ready_worker() && p.generation() == generation);
        if !renewed.into_iter().all(|is| is) {
            return;
        }
        self.renew_services(now, generation);
        let older = |p: &&Process| p.generation() != generation;
        let molds: Vec<Ticket> = (self.processes.iter().filter(older))
            .filter(|p| p.role == Role::Mold && p.is_live())
            .map(Process::ticket)
            .collect();
        for mold in molds {
            self.retire(now, mold);
        }
        if !self.processes.iter().any(|p| older(&p)) {
            let took = now.saturating_sub(since);
            let text = format!(
                "rollout gen={generation} done in {}: {} workers",
                seconds(took),
                self.workers
            );
            self.refork = Refork::Idle;
            self.refork_backoff.reset();
            self.memory_readable = true; // nobody has said otherwise of these processes
            if let Some(sharing) = &mut self.sharing {
                let refork = promotion.map_or(Duration::ZERO, |promotion| promotion + took);
                sharing.rolled_out(now, refork);
            }
            self.counters.rollouts += 1;
            self.act(Action::RolloutDone { generation });
            self.log(Level::Info, text);
        }
    }

    /// Outside of a rollout: workers that have served enough, or stand still, get a replacement.
    pub(super) fn renew(&mut self, now: Duration) {
        if self.refork != Refork::Idle {
            return;
        }
        let has_successor = |old: &Process| {
            (self.processes.iter()).any(|p| p.holds(old.seat.nr) && p.ticket() > old.ticket())
        };
        let outworn: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.is_outworn() && !has_successor(p))
            .map(Process::ticket)
            .collect();
        if !outworn.is_empty() {
            self.replace(now, &outworn, self.removes_first());
        }
    }

    /// Replaces workers, a few at a time.
    fn replace(&mut self, now: Duration, workers: &[Ticket], remove_first: bool) {
        if remove_first {
            self.remove_outdated(now, workers);
        } else {
            self.add_replacements(now, workers);
        }
    }

    /// Whether workers are retired before their replacements are forked: as it is configured, or for want of memory, unless it
    /// is configured that none may be missing.
    pub(super) fn removes_first(&self) -> bool {
        let cramped = self.room == Some(0) && self.settings.budget(self.workers) > 0;
        self.settings.removes_first() || cramped
    }

    /// Ready workers of older generations that nobody is on the way to replace, by number.
    fn outdated_workers(&self, generation: u32) -> Vec<Ticket> {
        let replaced = self.numbers(|p| p.is_live() && p.generation() == generation);
        let is_replaced = |old: &Process| replaced.get(old.seat.nr as usize) == Some(&true);
        let mut outdated: Vec<&Process> = (self.processes.iter())
            .filter(|p| p.is_ready_worker() && p.generation() != generation && !is_replaced(p))
            .collect();
        outdated.sort_by_key(|p| p.seat.nr);
        outdated.into_iter().map(Process::ticket).collect()
    }

    /// A replacement is ready before its predecessor is retired (`remove_surplus` does that).
    fn add_replacements(&mut self, now: Duration, outdated: &[Ticket]) {
        // Also those on their way out: until they are gone both take memory.
        let on_their_way = (self.processes.iter())
            .filter(|p| p.role == Role::Worker && p.state != State::Ready && p.paused.is_none())
            .count();
        let room = self.room.unwrap_or(u32::MAX).max(1);
        let batch = self.settings.batch(self.workers).min(room) as usize;
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

    /// A worker did not become ready, or died too soon: was it the canary, or one too many? Then the new mold goes. Answers
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

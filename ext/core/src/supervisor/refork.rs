//! Who is promoted, how far is the rollout?

use std::time::Duration;

use super::{Action, Level, Process, Promotion, Role, State, Supervisor, seconds};
use crate::wire::Ticket;

/// So many failed spawns in a row end a rollout that has an older mold to fall back to.
const ROLLOUT_SPAWN_ERRORS: u32 = 3;

/// What is being promoted or rolled out. There is never more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refork {
    /// All is as it should be, or waits for the next attempt.
    Idle,
    /// A worker was asked to become or fork this mold, which is not ready yet.
    Promoting {
        /// The mold.
        mold: Ticket,
        /// Its generation.
        generation: u32,
        /// The number that the worker left when it became the mold. It is kept free for the new generation.
        vacated: Option<u32>,
    },
    /// Workers of older generations are being replaced. The older mold is kept until that is done.
    Rolling {
        /// The new mold.
        mold: Ticket,
        /// Its generation.
        generation: u32,
        /// When it was ready.
        since: Duration,
        /// Whether one worker has come out of it alive: its canary.
        proven: bool,
    },
}

impl Supervisor {
    /// The operator asks, with USR2.
    pub(super) fn refork_requested(&mut self) {
        if !self.settings.adopts {
            let text = "refork requested, but this server can't adopt processes (no subreaper)";
            self.log(Level::Warn, text.to_string());
        } else if self.refork != Refork::Idle {
            let text = "refork requested, but one is under way already";
            self.log(Level::Info, text.to_string());
        } else {
            self.refork_wanted = true;
            self.refork_backoff.reset();
        }
    }

    pub(super) fn drive_refork(&mut self, now: Duration) {
        match self.refork {
            Refork::Idle => self.begin_refork_if_due(now),
            Refork::Promoting { .. } => {}
            Refork::Rolling {
                mold,
                generation,
                since,
                proven: false,
            } => {
                let proven = (self.processes.iter())
                    .any(|p| p.is_ready_worker() && p.generation() == generation);
                self.refork = Refork::Rolling {
                    mold,
                    generation,
                    since,
                    proven,
                };
                self.advance_rollout(now, generation, since, proven);
            }
            Refork::Rolling {
                generation, since, ..
            } => self.advance_rollout(now, generation, since, true),
        }
    }

    /// Only from a complete set of workers: a server that is short of them has other worries.
    fn begin_refork_if_due(&mut self, now: Duration) {
        let warm = (self.processes.iter()).any(|p| p.is_ready_worker() && p.warm && !p.refused);
        let complete = self.ready_workers() >= self.workers && self.mold().is_some();
        if !(self.refork_wanted || warm) || !complete || !self.refork_backoff.permits(now) {
            return;
        }
        if !self.promote_best(now) {
            let text = "refork requested, but no worker can be promoted".to_string();
            self.log(Level::Warn, text);
        }
        self.refork_wanted = false;
    }

    /// Promotes the worker that has served most: it has the most code and caches to share. Answers whether there is one.
    pub(super) fn promote_best(&mut self, now: Duration) -> bool {
        let candidate = self.candidate().map(|p| (p.ticket(), p.seat.nr));
        let Some((worker, nr)) = candidate else {
            return false;
        };
        let in_place = self.may_leave();
        let generation = self.next_generation();
        let seat = self.enlist(now, Role::Mold, nr, generation, Some(worker));
        self.refork = Refork::Promoting {
            mold: seat.ticket,
            generation,
            vacated: None,
        };
        self.act(Action::Promote {
            worker,
            seat,
            in_place,
        });
        true
    }

    fn candidate(&self) -> Option<&Process> {
        (self.processes.iter())
            .filter(|p| p.is_ready_worker() && !p.refused && p.seat.nr < self.workers)
            .max_by_key(|p| (p.requests, p.generation(), std::cmp::Reverse(p.seat.nr)))
    }

    /// Whether the budget of missing workers permits a promotion in place.
    fn may_leave(&self) -> bool {
        let ready = self.ready_workers();
        match self.settings.promotion {
            Promotion::InPlace => true,
            Promotion::Fork => false,
            Promotion::Auto => {
                ready >= 2 && ready - 1 + self.settings.budget(self.workers) >= self.workers
            }
        }
    }

    /// The promoted worker has left this number.
    pub(super) fn vacate(&mut self, nr: u32) {
        if let Refork::Promoting { vacated, .. } = &mut self.refork {
            *vacated = Some(nr);
        }
    }

    /// Whether a number must stay unfilled for now.
    pub(super) fn is_reserved(&self, nr: u32) -> bool {
        let vacated =
            matches!(self.refork, Refork::Promoting { vacated: Some(free), .. } if free == nr);
        // Who removes before he adds has no memory for both.
        let leaving = self.settings.removes_first()
            && (self.processes.iter())
                .any(|p| p.role == Role::Worker && p.seat.nr == nr && p.state == State::Retiring);
        vacated || leaving
    }

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
        let ready = self.find(ticket).map(|p| (p.generation(), p.since));
        if let (Refork::Promoting { mold, .. }, Some((generation, since))) = (self.refork, ready)
            && mold == ticket
        {
            self.refork = Refork::Rolling {
                mold,
                generation,
                since,
                proven: false,
            };
        }
    }

    fn advance_rollout(&mut self, now: Duration, generation: u32, since: Duration, proven: bool) {
        let outdated = self.outdated_workers(generation);
        if !proven || !self.settings.removes_first() {
            self.add_replacements(now, &outdated);
        } else {
            self.remove_outdated(now, &outdated);
        }
        let complete = (0..self.workers).all(|nr| {
            (self.processes.iter())
                .any(|p| p.is_ready_worker() && p.seat.nr == nr && p.generation() == generation)
        });
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
        let replaced = |old: &Process| {
            (self.processes.iter()).any(|p| p.holds(old.seat.nr) && p.generation() == generation)
        };
        let mut outdated: Vec<&Process> = (self.processes.iter())
            .filter(|p| p.is_ready_worker() && p.generation() < generation && !replaced(p))
            .collect();
        outdated.sort_by_key(|p| p.seat.nr);
        outdated.into_iter().map(Process::ticket).collect()
    }

    /// A replacement is ready before its predecessor is retired (`remove_surplus` does that).
    fn add_replacements(&mut self, now: Duration, outdated: &[Ticket]) {
        let on_their_way = (self.processes.iter())
            .filter(|p| p.role == Role::Worker && p.state == State::Starting)
            .count();
        let batch = self.settings.batch(self.workers) as usize;
        for worker in outdated.iter().take(batch.saturating_sub(on_their_way)) {
            if let Some(nr) = self.find(*worker).map(|p| p.seat.nr)
                && self.spawn_backoff.permits(now)
            {
                self.spawn(now, nr);
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

    /// The worker asked refused: the next one is tried at once.
    pub(super) fn promotion_refused(&mut self, now: Duration, mold: Ticket, why: &str) {
        if !matches!(self.refork, Refork::Promoting { mold: promoting, .. } if promoting == mold) {
            return;
        }
        if self.candidate().is_none() {
            self.fail_refork(now, why);
            self.refork_wanted = false;
        } else {
            self.refork = Refork::Idle;
            self.refork_wanted = true;
            self.mold_attempts = 0;
        }
    }

    /// The mold to be is gone before it was ready.
    pub(super) fn promotion_failed(&mut self, now: Duration, process: &Process, why: &str) {
        if matches!(self.refork, Refork::Promoting { mold, .. } if mold == process.ticket()) {
            self.fail_refork(now, why);
        }
    }

    /// A worker did not become ready: was it the canary, or one too many?
    pub(super) fn canary_lost(&mut self, now: Duration, process: &Process, why: &str) {
        let Refork::Rolling {
            mold,
            generation,
            proven,
            ..
        } = self.refork
        else {
            return;
        };
        let fallback = (self.processes.iter()).any(|p| p.is_ready_mold() && p.ticket() != mold);
        let hopeless = fallback && self.spawn_errors >= ROLLOUT_SPAWN_ERRORS;
        if process.generation() == generation && (!proven || hopeless) {
            self.retire(now, mold);
            self.fail_refork(now, &format!("{process} did not become ready: {why}"));
        }
    }

    /// A mold that could fork is gone.
    pub(super) fn mold_lost(&mut self, now: Duration, process: &Process, why: impl ToString) {
        if matches!(self.refork, Refork::Rolling { mold, .. } if mold == process.ticket()) {
            self.fail_refork(now, &format!("its mold {}", why.to_string()));
        }
    }

    /// Back to the generation that serves, and another try later.
    fn fail_refork(&mut self, now: Duration, why: &str) {
        let generation = match self.refork {
            Refork::Idle => return,
            Refork::Promoting { generation, .. } | Refork::Rolling { generation, .. } => generation,
        };
        let delay = self.refork_backoff.fail(now).as_secs_f64();
        let text = format!("refork to gen={generation} failed: {why}; next attempt in {delay:.1}s");
        self.log(Level::Warn, text);
        self.refork = Refork::Idle;
        self.refork_wanted = true;
    }
}

//! Who becomes the next mold?

use std::cmp::Reverse;
use std::time::Duration;

use super::{Action, Level, Process, Promotion, Refork, Role, State, Supervisor};

/// A worker that is larger than the others by one part in so many is bloated.
const BLOATED: u64 = 2;

/// Less private memory than this makes no difference.
const TRIFLE: u64 = 8 << 20;

impl Supervisor {
    /// Promotes the worker that has served most: it has the most code and caches to share. Answers whether there is one.
    pub(super) fn promote_best(&mut self, now: Duration) -> bool {
        let candidate = self.candidate().map(|p| (p.ticket(), p.seat.nr));
        let Some((worker, nr)) = candidate else {
            return false;
        };
        let in_place = self.may_leave();
        let generation = self.next_generation();
        let seat = self.enlist(now, Role::Mold, nr, generation, self.version, Some(worker));
        self.refork = Refork::Promoting {
            mold: seat.ticket,
            generation,
            vacated: None,
        };
        self.refork_wanted = false;
        self.act(Action::Promote {
            worker,
            seat,
            in_place,
        });
        true
    }

    /// One whose promotion has failed before comes after all others, and before those one that is far larger than the rest, or has
    /// far more for itself: what it has too much of, its successors would begin with.
    fn candidate(&self) -> Option<&Process> {
        let usual = self.usual_size();
        let is_bloated = |p: &Process| {
            let limit = usual.map(|size| size + size / BLOATED);
            p.size.zip(limit).is_some_and(|(size, limit)| size > limit) || self.has_outgrown(p)
        };
        (self.processes.iter())
            .filter(|p| p.is_promotable() && p.seat.nr < self.workers)
            .filter(|p| p.version == self.version)
            .max_by_key(|p| {
                (
                    Reverse(p.failures),
                    self.leads(p),
                    !is_bloated(p),
                    p.requests,
                    p.generation(),
                    Reverse(p.seat.nr),
                )
            })
    }

    /// The one worker that compiles until there has been a promotion. It is larger than the others for that.
    fn leads(&self, p: &Process) -> bool {
        self.settings.first_worker_leads
            && p.of_boot_mold
            && p.role == Role::Worker
            && p.seat.nr == 0
    }

    /// Whether a worker that is warm has no say, because another one, or its successor, is still compiling what there is to share.
    pub(super) fn awaits_leader(&self, p: &Process) -> bool {
        let will = |p: &Process| p.is_live() && !p.refused && p.failures == 0;
        !self.leads(p)
            && (self.processes.iter())
                .any(|p| self.leads(p) && will(p) && p.version == self.version)
    }

    /// The median of the workers' sizes, the lower of two.
    fn usual_size(&self) -> Option<u64> {
        let workers = self.processes.iter().filter(|p| p.is_ready_worker());
        median(workers.filter_map(|p| p.size).collect())
    }

    /// Whether a worker has written far more than those that have served about as much. One that has served most has
    /// written most, too: that is what it is promoted for.
    fn has_outgrown(&self, worker: &Process) -> bool {
        let Some(memory) = worker.memory else {
            return false;
        };
        let peers = (self.processes.iter())
            .filter(|p| p.is_ready_worker() && p.ticket() != worker.ticket())
            .filter_map(|p| p.memory)
            .filter(|peer| peer.requests >= memory.requests / 2);
        let usual = median(peers.map(|peer| peer.growth()).collect());
        usual.is_some_and(|growth| memory.growth() > growth + growth / BLOATED + TRIFLE)
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
        let leaving = self.removes_first()
            && (self.processes.iter())
                .any(|p| p.role == Role::Worker && p.seat.nr == nr && p.state == State::Retiring);
        vacated || leaving
    }

    /// The worker asked will not do it. Another one that has failed less often is tried at once.
    pub(super) fn promotion_refused(&mut self, now: Duration, mold: &Process, why: &str) {
        let Refork::Promoting {
            mold: promoting,
            generation,
            ..
        } = self.refork
        else {
            return;
        };
        if promoting != mold.ticket() {
            return;
        }
        let asked = mold.parent.and_then(|worker| self.find_mut(worker));
        let failures = asked.map_or(u32::MAX, |worker| {
            worker.failures += 1;
            if worker.is_promotable() {
                worker.failures
            } else {
                u32::MAX
            }
        });
        match self.candidate().map(|next| next.failures) {
            Some(next) if next < failures => {
                self.refork = Refork::Idle;
                self.refork_wanted = true;
                self.mold_attempts = 0;
            }
            Some(_) => self.fail_refork(now, None, why),
            None => {
                let text = format!(
                    "refork to gen={generation} failed: {why}; no other worker can be promoted"
                );
                self.log(Level::Warn, text);
                self.refork = Refork::Idle;
                self.refork_wanted = false;
            }
        }
    }

    /// The mold to be is gone before it was ready.
    pub(super) fn promotion_failed(&mut self, now: Duration, process: &Process, why: &str) {
        if matches!(self.refork, Refork::Promoting { mold, .. } if mold == process.ticket())
            || self.is_booting(process)
        {
            self.fail_refork(now, process.parent, why);
        }
    }
}

/// The lower of two, if there are as many on both sides.
fn median(mut numbers: Vec<u64>) -> Option<u64> {
    numbers.sort_unstable();
    numbers.get(numbers.len().saturating_sub(1) / 2).copied()
}

//! Is a refork due, under way, or has it failed?

use std::time::Duration;

use super::{Level, Process, Role, Supervisor};
use crate::wire::Ticket;

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
    /// A hot restart: this mold boots new code.
    Booting {
        /// The mold.
        mold: Ticket,
        /// Its generation.
        generation: u32,
    },
    /// Workers of older generations are being replaced. The older mold is kept until that is done.
    Rolling {
        /// The new mold.
        mold: Ticket,
        /// Its generation.
        generation: u32,
        /// When that began.
        since: Duration,
        /// How long its promotion took, once the worker had no request any more. `None`: it has booted new code, and what that
        /// takes is not what a refork costs.
        promotion: Option<Duration>,
        /// Whether one worker has come out of it and has proved itself: its canary.
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
            Refork::Idle => {
                self.begin_restart_if_wanted(now);
                if self.refork == Refork::Idle {
                    self.finish_restart(now);
                }
                if self.refork == Refork::Idle {
                    self.begin_refork_if_due(now);
                }
            }
            Refork::Promoting { .. } | Refork::Booting { .. } => {}
            Refork::Rolling { proven: false, .. } => self.advance_probation(now),
            Refork::Rolling { .. } => self.advance_rollout(now),
        }
    }

    /// Only from a complete set of workers: a server that is short of them has other worries.
    fn begin_refork_if_due(&mut self, now: Duration) {
        let warm =
            (self.processes.iter()).any(|p| p.is_promotable() && p.warm && !self.awaits_leader(p));
        let complete = self.ready_workers() >= self.workers && self.mold().is_some();
        if !complete || !self.refork_backoff.permits(now) {
            return;
        }
        if !(self.refork_wanted || warm || self.sharing_pays(now)) {
            return;
        }
        if !self.promote_best(now) {
            self.refork_wanted = false;
            let text = "refork requested, but no worker can be promoted".to_string();
            self.log(Level::Warn, text);
        }
    }

    /// No refork goes on without its mold, whatever has become of that.
    pub(super) fn check_refork(&mut self, now: Duration) {
        let (Refork::Promoting { mold, .. }
        | Refork::Booting { mold, .. }
        | Refork::Rolling { mold, .. }) = self.refork
        else {
            return;
        };
        let lives = |p: &Process| p.ticket() == mold && p.role == Role::Mold && p.is_live();
        if !self.processes.iter().any(lives) {
            self.fail_refork(now, None, "its mold is gone");
        }
    }

    /// Back to the generation that serves, and another try later, with another worker if there is one.
    pub(super) fn fail_refork(&mut self, now: Duration, worker: Option<Ticket>, why: &str) {
        let generation = match self.refork {
            Refork::Idle => return,
            Refork::Promoting { generation, .. }
            | Refork::Booting { generation, .. }
            | Refork::Rolling { generation, .. } => generation,
        };
        if self.fail_restart(now, why) {
            return;
        }
        self.counters.failed_reforks += 1;
        if let Some(worker) = worker.and_then(|worker| self.find_mut(worker)) {
            worker.failures += 1;
        }
        let delay = self.refork_backoff.fail(now).as_secs_f64();
        let text = format!("refork to gen={generation} failed: {why}; next attempt in {delay:.1}s");
        self.log(Level::Warn, text);
        self.refork = Refork::Idle;
        self.refork_wanted = self.settings.adopts;
    }
}

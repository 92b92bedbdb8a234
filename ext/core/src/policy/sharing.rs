//! `refork_when :sharing`: refork when that is expected to save memory.
//!
//! What a refork can save is what workers have written since their fork: their private growth. How much of it stays saved is
//! known only afterwards, by comparing the new generation with the one before *after the same number of requests*. So this
//! policy tries once it looks worth while, compares, and goes on as long as it helps:
//!
//! * It waits until warm-up is over (the second half of the requests has brought little), or for ten intervals: a mold that is
//!   not warm has little to share, and one that is never warm should not be waited for.
//! * Of the first refork it expects to save half. A refork that has saved a share s is expected to be followed by one that
//!   saves s²: what one refork could not keep shared the next one mostly can't either. (Measured, with 4 workers: 77 %, then
//!   64 %, then 26 % where methods are many and not compiled; 23 %, then 0.3 % with YJIT.)
//! * Half a worker's growth is taken off, for the mold may keep a copy of what is new.
//! * The time between two doubles with each, and is four times as long again after one that did not help. So there are few,
//!   whatever the curve: 11 on the first day at the most, if the interval is a minute, and then one every day and a half.
//! * After each it waits a hundred times as long as that took, or the longest of these times: reforking costs a percent.
//! * A curve that has changed (it lies above the one before, or goes on to twice the height at which that had come to rest)
//!   counts as unknown again.

use std::time::Duration;

use super::Mib;
use super::curve::Curve;
use crate::planted::{Bug, planted};

/// What the workers of a generation are like now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// How many there are.
    pub workers: u32,
    /// Requests served, the mean.
    pub requests: f64,
    /// Bytes of private memory since the fork, the mean.
    pub growth: f64,
    /// Bytes of PSS, the sum.
    pub pss: u64,
    /// The next generation.
    pub next: u32,
}

/// Whether to refork, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Do.
    Refork(String),
    /// Don't. Said once in a generation.
    Keep(String),
}

/// The policy's memory.
#[derive(Clone, Debug)]
pub struct Sharing {
    interval: Duration,
    /// When the workers' generation was complete.
    began: Option<Duration>,
    /// No refork, and no word about one, before that.
    not_before: Duration,
    /// How long the last refork took.
    took: Duration,
    /// When that is made up for.
    rested: Duration,
    /// The time between two is the interval, doubled so often.
    doublings: u32,
    curve: Curve,
    before: Curve,
    /// The last refork was held against the one before, and the wait is longer if it did not help.
    judged: bool,
    told: bool,
}

impl Sharing {
    /// What a refork saves, as long as none has shown it.
    const PRIOR: f64 = 0.5;

    /// The part of one worker's growth that the new mold may have for itself.
    const KEPT: f64 = 0.5;

    /// A refork that saves less than this was of no use.
    const HELPED: f64 = 0.1;

    /// A generation that has grown so many times as much as the one before is another matter.
    const CHANGED: f64 = 1.25;

    /// ... or, though that had come to its end, so many times as much in all.
    const OUTGROWN: f64 = 2.0;

    /// So many intervals are the longest wait for the end of warm-up.
    const PATIENCE: u32 = 10;

    /// The least that is worth a refork, in bytes, and as one part in so many of the workers' PSS.
    const LEAST: f64 = 8.0 * Mib::BYTES;
    const PART: f64 = 50.0;

    /// 2048 minutes are a day and a half.
    const MOST_DOUBLINGS: u32 = 11;

    /// While a refork goes on a worker is missing, or there is one more; processors prepare the mold, and fresh workers fill what
    /// caches they have. All of that lasts about as long as the refork, so its length stands for its cost, and it may be one
    /// part in so many of all time: about what measuring may cost (`Pace`), and what hardly any traffic shows. A refork of a
    /// second is not held up by this where the interval is a minute.
    const RARITY: u32 = 100;

    /// What a refork that did not help adds to the doublings.
    const PENALTY: u32 = 2;

    /// `interval` is the least time between two reforks.
    pub fn new(interval: Duration) -> Sharing {
        Sharing {
            interval,
            began: None,
            not_before: Duration::ZERO,
            took: Duration::ZERO,
            rested: Duration::ZERO,
            doublings: 0,
            curve: Curve::default(),
            before: Curve::default(),
            judged: true,
            told: false,
        }
    }

    /// All workers are of a new generation, for whatever reason. `took`: how long the refork took; zero if it was none.
    pub fn rolled_out(&mut self, now: Duration, took: Duration) {
        self.before = std::mem::take(&mut self.curve);
        self.began = Some(now);
        (self.judged, self.told) = (false, false);
        self.took = took;
        let rest = took.saturating_mul(Self::RARITY);
        self.rested = now + rest.min(self.doubled(Self::MOST_DOUBLINGS));
        self.wait(now);
    }

    fn wait(&mut self, since: Duration) {
        self.not_before = since + self.doubled(self.doublings.min(Self::MOST_DOUBLINGS));
    }

    fn doubled(&self, times: u32) -> Duration {
        self.interval.saturating_mul(1 << times)
    }

    /// Takes in how the workers are, and says what to do if it has come to a decision.
    pub fn look(&mut self, now: Duration, look: Look) -> Option<Advice> {
        let began = *self.began.get_or_insert_with(|| {
            self.not_before = now + self.interval;
            now
        });
        self.curve.note(now, look.requests, look.growth);
        let waited = now >= began + self.interval.saturating_mul(Self::PATIENCE);
        let ripe = self.curve.is_flat() || waited;
        self.judge(began, waited);
        if (now < self.not_before && !planted(Bug::ReforksAgain)) || !ripe {
            return None;
        }
        let share = self.expected_share();
        let expected = look.growth * (f64::from(look.workers) * share - Self::KEPT);
        let least = Self::LEAST.max(look.pss as f64 / Self::PART);
        if expected >= least && now >= self.rested {
            self.doublings += 1;
            self.wait(now); // it may fail, and then it is tried again without being asked
            return Some(Advice::Refork(self.reasons(now, look, expected, least)));
        }
        (!std::mem::replace(&mut self.told, true))
            .then(|| Advice::Keep(self.reasons(now, look, expected, least)))
    }

    /// Whether the last refork helped, once there is enough to compare.
    fn judge(&mut self, began: Duration, waited: bool) {
        let enough = self.curve.requests() >= self.before.requests() / 2.0 || waited;
        if self.judged || !enough {
            return;
        }
        self.judged = true;
        if self.saved().is_some_and(|saved| saved < Self::HELPED) {
            self.doublings += Self::PENALTY;
            self.wait(began);
        }
    }

    /// The share of the growth that the last refork has saved, after as many requests as both generations have served.
    /// `None`: there was none, or the growth was another one.
    fn saved(&self) -> Option<f64> {
        let requests = self.curve.requests().min(self.before.requests());
        let (then, now) = (self.before.at(requests)?, self.curve.at(requests)?);
        let outgrown = self.curve.growth() > self.before.growth() * Self::OUTGROWN;
        let changed = now > then * Self::CHANGED || (outgrown && self.before.is_flat());
        (then > 0.0 && !changed).then(|| (1.0 - now / then).max(0.0))
    }

    fn expected_share(&self) -> f64 {
        self.saved().map_or(Self::PRIOR, |saved| saved * saved)
    }

    fn reasons(&self, now: Duration, look: Look, expected: f64, least: f64) -> String {
        let saves = if expected < least && expected < Mib::BYTES {
            "nothing".to_string()
        } else {
            format!("about {:.0} MiB", expected / Mib::BYTES)
        };
        let left = self.rested.saturating_sub(now);
        let but = if expected < least {
            format!(", {} are worth it", Mib(least))
        } else if left > Duration::ZERO {
            format!(", but waits {:.1}s more", left.as_secs_f64())
        } else {
            String::new()
        };
        let last = self.saved().map_or(String::new(), |saved| {
            let (percent, took) = (saved * 100.0, self.took.as_secs_f64());
            format!(" (last one saved {percent:.0} % in {took:.1}s)")
        });
        format!(
            "{} per worker un-shared since the fork, slope {}/min: gen={} would save {saves}{last}{but}",
            Mib(look.growth),
            Mib(self.curve.slope()),
            look.next,
        )
    }
}

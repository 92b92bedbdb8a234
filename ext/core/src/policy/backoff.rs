//! Waiting longer after each failure in a row.

use std::time::Duration;

use crate::planted::{Bug, planted};

/// An exponential delay: `first` after one failure, then `base`, doubled with each further one up to `cap`.
///
/// Failures that come while one is being waited out were on their way already (all workers killed at once, say): they do not
/// count again. Failures that lie far apart are not "in a row": the count starts again when longer than the current delay plus
/// [`Backoff::QUIET`] has passed since the last one.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    base: Duration,
    cap: Duration,
    failures: u32,
    last: Duration,
}

impl Backoff {
    /// How long nothing must fail before the count starts again: longer than a try takes that fails by its timeout, or a
    /// thing that always fails slowly would always count as the first failure.
    pub const QUIET: Duration = Duration::from_secs(30);

    /// No failures yet.
    pub fn new(first: Duration, base: Duration, cap: Duration) -> Self {
        Backoff {
            first,
            base,
            cap,
            failures: 0,
            last: Duration::ZERO,
        }
    }

    /// Notes a failure and answers how long to wait.
    pub fn fail(&mut self, now: Duration) -> Duration {
        if self.wakes(now).is_some() {
            return self.delay();
        }
        if now > self.until() + Self::QUIET {
            self.failures = 0;
        }
        self.failures += 1;
        self.last = now;
        self.delay()
    }

    /// Starts again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether something may be tried at `now`.
    pub fn permits(&self, now: Duration) -> bool {
        self.failures == 0 || now >= self.until() || planted(Bug::NeverWaits)
    }

    /// When the next try is due, if that is later than `now`.
    pub fn wakes(&self, now: Duration) -> Option<Duration> {
        (!self.permits(now)).then(|| self.until())
    }

    fn until(&self) -> Duration {
        self.last + self.delay()
    }

    fn delay(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            1 => self.first,
            more => self
                .base
                .saturating_mul(1 << (more - 2).min(20))
                .min(self.cap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(ms(0), ms(100), ms(500));
        let mut now = ms(1000);
        let delays: Vec<_> = (0..6)
            .map(|_| {
                let delay = backoff.fail(now);
                now += delay;
                delay
            })
            .collect();
        assert_eq!(delays, [0, 100, 200, 400, 500, 500].map(ms));
        assert_eq!(backoff.wakes(now - ms(500)), Some(now));
        assert!(backoff.permits(now));
    }

    #[test]
    fn failures_at_the_same_time_are_one() {
        let mut backoff = Backoff::new(ms(100), ms(200), ms(5_000));
        let delays: Vec<_> = (0..6).map(|_| backoff.fail(ms(1000))).collect();
        assert_eq!(delays, [ms(100); 6]);
        assert_eq!(backoff.wakes(ms(1000)), Some(ms(1100)));
    }

    #[test]
    fn forgets_after_a_quiet_time() {
        let mut backoff = Backoff::new(ms(0), ms(100), ms(500));
        backoff.fail(ms(0));
        backoff.fail(ms(0));
        assert_eq!(backoff.fail(ms(30_101)), ms(0));
    }
}

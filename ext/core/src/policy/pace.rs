//! How often something is measured that costs whoever is measured.

use std::time::Duration;

/// Keeps a least time between two measurements, and their cost below a share of one core.
///
/// Reading smaps_rollup takes 20 ns a page (2.5 ms for 500 MB), with the process's mmap lock held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    next: Duration,
}

impl Pace {
    /// The least time between two.
    pub const LEAST: Duration = Duration::from_secs(1);

    /// One part in so many of a core: half a percent.
    pub const SHARE: u32 = 200;

    /// Whether the next one may be taken.
    pub fn permits(&self, now: Duration) -> bool {
        now >= self.next
    }

    /// One was taken until now, and took so long.
    pub fn took(&mut self, now: Duration, cost: Duration) {
        self.next = now + cost.saturating_mul(Self::SHARE).max(Self::LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_is_taken_at_once() {
        assert!(Pace::default().permits(Duration::ZERO));
    }

    #[test]
    fn cheap_ones_come_once_a_second() {
        let mut pace = Pace::default();
        pace.took(ms(5_000), ms(1));
        assert!(!pace.permits(ms(5_999)));
        assert!(pace.permits(ms(6_000)));
    }

    #[test]
    fn dear_ones_take_half_a_percent() {
        let mut pace = Pace::default();
        pace.took(ms(5_000), ms(30));
        assert!(!pace.permits(ms(10_999)));
        assert!(pace.permits(ms(11_000)));
    }
}

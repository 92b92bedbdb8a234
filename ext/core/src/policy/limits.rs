//! `max_requests` and `max_lifetime`: when a worker has served enough.

use std::time::Duration;

/// The most that a worker serves, with some jitter, so that workers that began together do not end together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Requests.
    pub requests: Option<u64>,
    /// Time at work.
    pub lifetime: Option<Duration>,
    /// Up to this share of a limit, from 0 to 1, is taken off it.
    pub jitter: f64,
    /// What the jitter is drawn from, with the worker's ticket: the same seed gives the same limits.
    pub seed: u64,
}

impl Limits {
    /// How many requests this worker may serve: at least one.
    pub fn requests(&self, worker: u64) -> Option<u64> {
        let share = self.share(worker);
        self.requests
            .map(|most| ((most as f64 * share).round() as u64).clamp(1, most.max(1)))
    }

    /// How long this worker may serve.
    pub fn lifetime(&self, worker: u64) -> Option<Duration> {
        let share = self.share(worker);
        self.lifetime.map(|most| most.mul_f64(share))
    }

    /// From `1 - jitter` to 1.
    fn share(&self, worker: u64) -> f64 {
        // 53 bits are what an f64 holds exactly.
        let drawn = (mix(self.seed ^ worker) >> 11) as f64 / (1_u64 << 53) as f64;
        1.0 - self.jitter.clamp(0.0, 1.0) * drawn
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers give unrelated ones.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(jitter: f64) -> Limits {
        Limits {
            requests: Some(1000),
            lifetime: Some(Duration::from_secs(3600)),
            jitter,
            seed: 7,
        }
    }

    #[test]
    fn without_jitter_all_are_the_same() {
        for worker in 0..100 {
            assert_eq!(limits(0.0).requests(worker), Some(1000));
            assert_eq!(
                limits(0.0).lifetime(worker),
                Some(Duration::from_secs(3600))
            );
        }
    }

    #[test]
    fn jitter_spreads_them_over_its_share() {
        let drawn: Vec<u64> = (0..1000).filter_map(|w| limits(0.2).requests(w)).collect();
        assert!(drawn.iter().all(|n| (800..=1000).contains(n)), "{drawn:?}");
        assert!(drawn.iter().any(|n| *n < 820) && drawn.iter().any(|n| *n > 980));
    }

    #[test]
    fn one_request_is_the_least() {
        let all = Limits {
            requests: Some(1),
            ..limits(1.0)
        };
        assert!((0..1000).all(|worker| all.requests(worker) == Some(1)));
        assert_eq!(Limits::default().requests(3), None);
        assert_eq!(Limits::default().lifetime(3), None);
    }
}

//! How many more workers fit into the memory that a control group may use.

/// What a limit allows, and what is used of it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// The most that may be used.
    pub limit: u64,
    /// What is used, and can't be taken back at once: file cache that nobody misses does not count.
    pub used: u64,
}

impl Headroom {
    /// This part of the limit stays free, for those that run go on growing.
    const MARGIN: u64 = 20;

    /// What a worker soon has for itself, though it has not yet when it was just forked.
    const LEAST: u64 = 8 << 20;

    /// How many workers fit besides what runs, if each has so many bytes for itself.
    pub fn fits(self, worker: u64) -> u32 {
        let usable = self.limit - self.limit / Self::MARGIN;
        let free = usable.saturating_sub(self.used);
        u32::try_from(free / worker.max(Self::LEAST)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn fits(limit: u64, used: u64, worker: u64) -> u32 {
        let (limit, used) = (limit * MIB, used * MIB);
        Headroom { limit, used }.fits(worker * MIB)
    }

    #[test]
    fn a_twentieth_stays_free() {
        assert_eq!(fits(1000, 850, 100), 1);
        assert_eq!(fits(1000, 851, 100), 0);
        assert_eq!(fits(1000, 550, 100), 4);
    }

    #[test]
    fn nothing_fits_when_all_is_used() {
        assert_eq!(fits(1000, 1000, 10), 0);
        assert_eq!(fits(1000, 5000, 10), 0);
    }

    #[test]
    fn a_fresh_worker_will_grow() {
        assert_eq!(fits(100, 15, 0), fits(100, 15, 8));
        assert_eq!(fits(100, 15, 0), 10);
    }

    #[test]
    fn extremes() {
        let headroom = |limit, used| Headroom { limit, used };
        assert_eq!(headroom(0, 0).fits(0), 0);
        assert_eq!(headroom(u64::MAX, 0).fits(1), u32::MAX);
        assert_eq!(headroom(u64::MAX, u64::MAX).fits(u64::MAX), 0);
    }
}

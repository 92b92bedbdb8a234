//! `worker_memory_limit`: how much memory a worker may have.

use super::Usage;

/// What is limited. RSS is not among these: it counts what is shared once for each worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What the worker has for itself.
    Private,
    /// That, and its part of what it shares.
    Pss,
}

impl Measure {
    /// As log lines name it.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Private => "private memory",
            Measure::Pss => "PSS",
        }
    }

    /// That number, in bytes.
    pub fn of(self, usage: Usage) -> u64 {
        match self {
            Measure::Private => usage.private,
            Measure::Pss => usage.pss,
        }
    }
}

/// Limits in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Of what.
    pub measure: Measure,
    /// Above this a worker is replaced: the replacement comes first.
    pub soft: u64,
    /// Above this it is asked to go at once.
    pub hard: Option<u64>,
}

/// How far a worker is above its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is not.
    None,
    /// Above the soft one.
    Soft,
    /// Above the hard one.
    Hard,
}

impl MemoryLimit {
    /// Compares. Exactly the limit is within it.
    pub fn excess(&self, usage: Usage) -> Excess {
        let bytes = self.measure.of(usage);
        if self.hard.is_some_and(|hard| bytes > hard) {
            Excess::Hard
        } else if bytes > self.soft {
            Excess::Soft
        } else {
            Excess::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(measure: Measure, private: u64, pss: u64) -> Excess {
        let (soft, hard) = (100, Some(200));
        let limit = MemoryLimit {
            measure,
            soft,
            hard,
        };
        limit.excess(Usage { private, pss })
    }

    #[test]
    fn the_limit_itself_is_within() {
        let excess = |private| excess(Measure::Private, private, 1_000);
        let found = [100, 101, 200, 201].map(excess);
        assert_eq!(
            found,
            [Excess::None, Excess::Soft, Excess::Soft, Excess::Hard]
        );
    }

    #[test]
    fn of_pss() {
        assert_eq!(excess(Measure::Pss, 0, 150), Excess::Soft);
        assert_eq!(excess(Measure::Private, 0, 150), Excess::None);
    }

    #[test]
    fn without_a_hard_one() {
        let limit = MemoryLimit {
            measure: Measure::Private,
            soft: 1,
            hard: None,
        };
        let usage = Usage {
            private: u64::MAX,
            pss: 0,
        };
        assert_eq!(limit.excess(usage), Excess::Soft);
    }
}

//! `refork_after [50, 100, 1000]`: promote after so many requests.

/// How many requests a worker of each generation serves before it is warm enough to be promoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReforkAfter {
    thresholds: Vec<u64>,
    repeats: bool,
}

impl ReforkAfter {
    /// `thresholds[i]` holds for generation `i`; the last one holds for all later generations if `repeats`.
    pub fn new(thresholds: Vec<u64>, repeats: bool) -> Self {
        ReforkAfter {
            thresholds,
            repeats,
        }
    }

    /// Requests after which a worker of this generation is warm; `None`: never.
    pub fn threshold(&self, generation: u32) -> Option<u64> {
        let last = if self.repeats {
            self.thresholds.last()
        } else {
            None
        };
        usize::try_from(generation)
            .ok()
            .and_then(|index| self.thresholds.get(index))
            .or(last)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_repeats() {
        let after = ReforkAfter::new(vec![50, 100, 1000], true);
        let thresholds = [0, 1, 2, 3, 4000].map(|generation| after.threshold(generation));
        assert_eq!(
            thresholds,
            [Some(50), Some(100), Some(1000), Some(1000), Some(1000)]
        );
    }

    #[test]
    fn false_as_last_ends_it() {
        let after = ReforkAfter::new(vec![50], false);
        assert_eq!((after.threshold(0), after.threshold(1)), (Some(50), None));
    }

    #[test]
    fn nothing_configured_means_never() {
        assert_eq!(ReforkAfter::default().threshold(0), None);
        assert_eq!(ReforkAfter::new(vec![], true).threshold(3), None);
    }
}

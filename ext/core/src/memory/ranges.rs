//! Sets of addresses.

use std::ops::Range;

/// Addresses, as the fewest ranges that hold them all, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// No addresses.
    pub const NONE: Ranges = Ranges(Vec::new());

    /// The ranges in order; between two of them is a gap.
    pub fn iter(&self) -> std::slice::Iter<'_, Range<u64>> {
        self.0.iter()
    }

    /// How many bytes they hold.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// For many questions, as long as the addresses that are asked for only rise.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor(&self.0)
    }
}

/// Any order, and they may overlap.
impl FromIterator<Range<u64>> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        let mut sorted: Vec<Range<u64>> = ranges.into_iter().filter(|r| !r.is_empty()).collect();
        sorted.sort_unstable_by_key(|range| range.start);
        sorted.dedup_by(|next, last| {
            let touches = next.start <= last.end;
            if touches {
                last.end = last.end.max(next.end);
            }
            touches
        });
        Ranges(sorted)
    }
}

/// A place in [`Ranges`] that only moves on: a question costs no search.
#[derive(Clone, Debug)]
pub struct Cursor<'r>(&'r [Range<u64>]);

impl Cursor<'_> {
    /// Whether the ranges hold this address, which must not be lower than the one before.
    pub fn holds(&mut self, address: u64) -> bool {
        while let [first, rest @ ..] = self.0 {
            if address < first.end {
                return address >= first.start;
            }
            self.0 = rest;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(list: &[(u64, u64)]) -> Ranges {
        list.iter().map(|(from, to)| *from..*to).collect()
    }

    #[test]
    fn the_fewest() {
        let merged = ranges(&[(30, 40), (10, 20), (20, 25), (12, 14), (50, 50)]);
        assert_eq!(merged, ranges(&[(10, 25), (30, 40)]));
        assert_eq!(merged.bytes(), 25);
        assert_eq!(merged.iter().count(), 2);
    }

    #[test]
    fn rising_questions() {
        let ranges = ranges(&[(10, 12), (14, 15)]);
        let mut cursor = ranges.cursor();
        let held: Vec<u64> = (8..18).filter(|address| cursor.holds(*address)).collect();
        assert_eq!(held, [10, 11, 14]);
        let mut cursor = ranges.cursor();
        assert!(cursor.holds(14) && cursor.holds(14) && !cursor.holds(1 << 60));
    }

    #[test]
    fn nothing() {
        assert_eq!(Ranges::default().bytes(), 0);
        assert!(!Ranges::default().cursor().holds(0));
    }
}

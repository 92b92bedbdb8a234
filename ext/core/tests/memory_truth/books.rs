//! What the account has to be, page by page.

use std::collections::BTreeMap;
use std::ops::Range;

use pitchfork_core::memory::{Kind, Ranges};

use super::child::pages;

/// Whose a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Shared,
    Private,
}

/// The pages of the test's area that the child has, and what they are.
pub struct Books {
    pages: BTreeMap<u64, (Kind, State)>,
    had: Ranges,
}

impl Books {
    /// With the pages that the mold had.
    pub fn new(had: Ranges) -> Books {
        let pages = BTreeMap::new();
        Books { pages, had }
    }

    /// These pages are in the child's memory now.
    pub fn put(&mut self, range: Range<u64>, kind: Kind, state: State) {
        self.pages
            .extend(pages(range).map(|page| (page, (kind, state))));
    }

    /// They are no longer.
    pub fn remove(&mut self, range: Range<u64>) {
        self.pages.retain(|page, _| !range.contains(page));
    }

    /// The other process has written to them: the child is the last to have the old ones.
    pub fn leave(&mut self, range: Range<u64>) {
        for (_, (_, state)) in self.pages.range_mut(range) {
            *state = State::Private;
        }
    }

    /// Pages: private, un-shared, fresh, shared and in the swap, by kind.
    pub fn sums(&self) -> [[i64; 5]; Kind::ALL.len()] {
        let mut sums = [[0; 5]; Kind::ALL.len()];
        let mut had = self.had.cursor();
        for (page, (kind, state)) in &self.pages {
            let [private, unshared, fresh, shared, _swap] = &mut sums[*kind as usize];
            let inherited = had.holds(*page);
            match state {
                State::Shared => *shared += 1,
                State::Private => {
                    *private += 1;
                    *(if inherited { unshared } else { fresh }) += 1;
                }
            }
        }
        sums
    }
}

//! What a process has for itself and what it shares with those it was forked with: read from what the kernel writes in
//! /proc/PID, and told apart by what the pages are used for.
//!
//! * [`rollup`]: the sums, cheap enough for every minute (proc_pid_smaps(5), smaps_rollup).
//! * [`smaps`] and [`pagemap`]: the mappings and their pages, which [`account`] adds up by [`Kind`].
//! * [`notes`]: what a mold says about its pages, which makes the account exact where it would have to guess.

pub mod account;
pub mod kind;
pub mod notes;
pub mod pagemap;
pub mod ranges;
pub mod rollup;
pub mod smaps;

pub use account::{Account, Accountant, Sum};
pub use kind::Kind;
pub use notes::Notes;
pub use pagemap::Entry;
pub use ranges::Ranges;
pub use rollup::Rollup;
pub use smaps::Region;

/// The number behind a name, in the many files of the kernel that have a name and a number in each line.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()?.parse().ok())?)
}

//! Bugs on purpose, to see whether the simulator (`tests/simulation`) finds them. Without the feature `planted-bugs`, which the
//! extension never has, this compiles to nothing.

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The workers that a mold was still to fork are forgotten with it.
    ForgetsTheUnborn,
    /// A new mold is trusted before its canary has proved itself.
    TrustsAtOnce,
    /// An old worker is retired before its replacement is ready.
    RetiresFirst,
    /// What has failed is tried again at once.
    NeverWaits,
    /// The row of a process on its way out is given away.
    GivesRowsAwayTwice,
    /// The time that the machine slept counts.
    BlamesSleepers,
    /// A refork for the sharing does not wait after the last one.
    ReforksAgain,
}

#[cfg(feature = "planted-bugs")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants one in this thread.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Bug) {
    PLANTED.set(Some(bug));
}

/// Whether this thread has the bug.
#[cfg(feature = "planted-bugs")]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

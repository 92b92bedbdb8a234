//! How long a client may keep a worker waiting.

use std::time::Duration;

/// The waiting that a client has left, while its bytes come in or go out. Two things bound it: each wait for itself, and all
/// of them together by how much was moved, so that a client that sends or takes a byte now and then does not keep a worker
/// for ever.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use pitchfork_core::http::Pace;
///
/// let mut pace = Pace::new(Duration::from_secs(30));
/// pace.waited(Duration::from_secs(29));
/// pace.moved(1); // one byte: no progress worth the name
/// assert_eq!(pace.left(), Duration::from_secs(1) + Duration::from_millis(2));
/// pace.moved(1_000_000);
/// assert_eq!(pace.left(), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    patience: Duration,
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// Bytes a second that a client has to manage in the long run: less than the slowest modem.
    pub const SLOWEST: u64 = 500;

    /// No single wait is longer than `patience`.
    #[must_use]
    pub const fn new(patience: Duration) -> Self {
        Self {
            patience,
            waited: Duration::ZERO,
            moved: 0,
        }
    }

    /// So many bytes have come or gone.
    pub fn moved(&mut self, bytes: u64) {
        self.moved = self.moved.saturating_add(bytes);
    }

    /// So much time went by until the client was ready.
    pub fn waited(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }

    /// How long the next wait may be.
    #[must_use]
    pub fn left(&self) -> Duration {
        let earned = Duration::from_millis(self.moved.saturating_mul(1000) / Self::SLOWEST);
        let allowed = self.patience.saturating_add(earned);
        allowed.saturating_sub(self.waited).min(self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A byte as late as possible each time: the sum of it is bounded.
    #[test]
    fn a_trickle_ends() {
        let mut pace = Pace::new(PATIENCE);
        let mut total = Duration::ZERO;
        for _ in 0..1000 {
            let wait = pace.left();
            pace.waited(wait);
            pace.moved(1);
            total += wait;
        }
        assert!(total < PATIENCE + Duration::from_secs(3), "{total:?}");
    }

    /// Twice the slowest pace, with pauses just below the patience: for ever.
    #[test]
    fn a_slow_client_goes_on() {
        let mut pace = Pace::new(PATIENCE);
        for _ in 0..1000 {
            assert_eq!(pace.left(), PATIENCE);
            pace.waited(Duration::from_secs(29));
            pace.moved(29 * 2 * Pace::SLOWEST);
        }
    }

    #[test]
    fn the_largest_numbers() {
        let mut pace = Pace::new(Duration::MAX);
        pace.moved(u64::MAX);
        pace.moved(u64::MAX);
        pace.waited(Duration::MAX);
        pace.waited(Duration::MAX);
        assert_eq!(pace.left(), Duration::ZERO);
    }
}

//! What a process has of memory.

use std::fmt;

/// The memory of a process in bytes, as smaps_rollup counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What no other process maps: Private_Clean and Private_Dirty.
    pub private: u64,
    /// That, and its part of what it shares.
    pub pss: u64,
}

/// Bytes as log lines show them: `38.2 MiB`.
#[derive(Clone, Copy, Debug)]
pub struct Mib(pub f64);

impl Mib {
    /// One, in bytes.
    pub const BYTES: f64 = (1 << 20) as f64;
}

impl From<u64> for Mib {
    fn from(bytes: u64) -> Mib {
        Mib(bytes as f64)
    }
}

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MiB", self.0 / Self::BYTES)
    }
}

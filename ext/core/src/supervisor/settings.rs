//! What the operator wishes for.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::{Limits, MemoryLimit, ReforkAfter, Sharing};

/// The supervisor's part of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Workers to keep.
    pub workers: u32,
    /// The names of the service workers to keep.
    pub services: Vec<Arc<str>>,
    /// When a worker is warm.
    pub refork_after: ReforkAfter,
    /// Refork also when that saves memory: the least time between two. `None`: only after so many requests.
    pub sharing_interval: Option<Duration>,
    /// How many workers may be missing during a rollout; `None` is the default, see [`Settings::budget`].
    pub max_unavailable: Option<u32>,
    /// How a worker becomes a mold.
    pub promotion: Promotion,
    /// Worker 0 alone compiles until the first promotion, which is to be its own.
    pub first_worker_leads: bool,
    /// A forked process must be ready within this time. The app's first boot is not bounded, and each later one by this and by how
    /// long an earlier one took.
    pub spawn_timeout: Duration,
    /// A process asked to retire must be gone within this time.
    pub retire_timeout: Duration,
    /// How long after its soft deadline a request's worker is killed.
    pub cleanup: Duration,
    /// The first worker of a new mold must have completed so many requests before more are forked.
    pub canary_requests: u64,
    /// ... or must have lived so long.
    pub canary_time: Duration,
    /// When a worker is replaced, however well it works.
    pub limits: Limits,
    /// How much memory a worker may have.
    pub memory_limit: Option<MemoryLimit>,
    /// Give up after so many failed spawns in a row; `None`: never.
    pub max_consecutive_spawn_errors: Option<u32>,
    /// Whether orphans come to the master (it is a subreaper, or pid 1). Without that there is no reforking.
    pub adopts: bool,
}

/// How a worker becomes a mold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// In place where the budget of missing workers and the worker's threads permit it, else by fork.
    Auto,
    /// Only in place.
    InPlace,
    /// Only by fork.
    Fork,
}

impl Settings {
    /// How many of `workers` may be missing during a rollout: what is configured, else 10 % rounded up.
    pub fn budget(&self, workers: u32) -> u32 {
        self.max_unavailable.unwrap_or(workers.div_ceil(10))
    }

    /// How many replacements may be on their way at once.
    pub fn batch(&self, workers: u32) -> u32 {
        self.budget(workers).max(1)
    }

    /// The policy that reforks when that saves memory, if it is wished for and can be.
    pub(super) fn sharing(&self) -> Option<Sharing> {
        self.sharing_interval
            .filter(|_| self.adopts)
            .map(Sharing::new)
    }

    /// Whether a rollout retires before it spawns, as a machine without memory to spare wants it.
    pub fn removes_first(&self) -> bool {
        self.max_unavailable.is_some_and(|n| n > 0)
    }
}

//! When to refork, when a worker has served enough or has too much memory, how many more there is memory for, how often to
//! measure, how long to wait after a failure.

mod backoff;
mod curve;
mod headroom;
mod limits;
mod memory_limit;
mod pace;
mod refork_after;
mod sharing;
mod usage;

pub use backoff::Backoff;
pub use headroom::Headroom;
pub use limits::Limits;
pub use memory_limit::{Excess, Measure, MemoryLimit};
pub use pace::Pace;
pub use refork_after::ReforkAfter;
pub use sharing::{Advice, Look, Sharing};
pub use usage::{Mib, Usage};

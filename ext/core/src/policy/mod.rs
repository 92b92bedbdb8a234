//! When to refork, when a worker has served enough, how many more there is memory for, how long to wait after a failure.

mod backoff;
mod headroom;
mod limits;
mod refork_after;

pub use backoff::Backoff;
pub use headroom::Headroom;
pub use limits::Limits;
pub use refork_after::ReforkAfter;

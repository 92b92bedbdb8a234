//! When to refork, what to promote, how long to wait after a failure.

mod backoff;
mod refork_after;

pub use backoff::Backoff;
pub use refork_after::ReforkAfter;

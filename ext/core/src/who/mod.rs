//! Who broke the sharing: the page faults of a worker that were sampled, and what it says about them.
//!
//! The worker only names what must be named inside it, methods and functions. Which faults broke the sharing is decided by
//! whoever reads the [`report`].

pub mod records;
pub mod report;
pub mod samples;

pub use records::Fault;
pub use report::Summary;
pub use samples::{Code, DEPTH, Sample, Samples};

//! The decisions of the pitchfork server, free of I/O, clocks and Ruby.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod cgroup;
pub mod http;
pub mod memory;
pub mod planted;
pub mod policy;
pub mod supervisor;
pub mod who;
pub mod wire;

/// The most workers a server can have. Bounds the scoreboard and the worker numbers.
pub const MAX_WORKERS: u32 = 1024;

//! System calls, typed. Knows no Ruby.

pub mod allocator;
pub mod cgroup;
pub mod channel;
pub mod children;
pub mod clock;
pub mod forks;
pub mod handler;
pub mod memory;
pub mod notes;
pub mod perf;
pub mod process;
pub mod scoreboard;
pub mod socket;
pub mod symbols;

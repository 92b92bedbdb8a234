//! System calls, typed. Knows no Ruby.

pub mod cgroup;
pub mod channel;
pub mod children;
pub mod clock;
pub mod forks;
pub mod process;
pub mod scoreboard;
pub mod socket;

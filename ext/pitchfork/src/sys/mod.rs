//! System calls, typed. Knows no Ruby.

pub mod channel;
pub mod clock;
pub mod forks;
pub mod process;
pub mod scoreboard;
pub mod socket;

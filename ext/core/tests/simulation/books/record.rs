//! What an outsider knows of processes.

use std::time::Duration;

use pitchfork_core::supervisor::Role;
use pitchfork_core::wire::{Seat, Ticket};

/// What an outsider knows of a process.
#[derive(Debug)]
pub struct Record {
    pub seat: Seat,
    pub role: Role,
    pub version: u32,
    pub parent: Option<Ticket>,
    pub asked_at: Duration,
    pub pid: Option<u32>,
    pub said_hello_at: Duration,
    pub ready_at: Option<Duration>,
    pub closed_at: Option<Duration>,
    /// Requests completed.
    pub served: u64,
    pub stopped_at: Option<Duration>,
    /// Asked to go.
    pub retired_at: Option<Duration>,
    pub killed: bool,
    /// A mold that proved to be no good.
    pub failed: bool,
    pub serving: bool,
}

impl Record {
    pub fn new(
        seat: Seat,
        role: Role,
        version: u32,
        parent: Option<Ticket>,
        now: Duration,
    ) -> Record {
        Record {
            seat,
            role,
            version,
            parent,
            asked_at: now,
            pid: None,
            said_hello_at: now,
            ready_at: None,
            closed_at: None,
            served: 0,
            stopped_at: None,
            retired_at: None,
            killed: false,
            failed: false,
            serving: false,
        }
    }

    pub fn is_at_work(&self) -> bool {
        self.ready_at.is_some() && self.retired_at.is_none() && !self.killed
    }
}

/// The mold that was asked for, until its rollout has come to an end.
#[derive(Clone, Copy, Debug)]
pub struct Refork {
    pub mold: Ticket,
    pub generation: u32,
    pub version: u32,
    /// Its first worker has proved itself.
    pub proven: bool,
}

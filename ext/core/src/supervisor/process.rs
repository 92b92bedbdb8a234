//! The processes the supervisor knows.

use std::fmt;
use std::time::Duration;

use crate::wire::{Seat, Ticket};

/// A process, from the moment it is asked for until it is reaped.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its place.
    pub seat: Seat,
    /// What it is for.
    pub role: Role,
    /// Where it stands.
    pub state: State,
    /// Known from its first message.
    pub pid: Option<u32>,
    /// Who forks it; `None` for a boot mold.
    pub parent: Option<Ticket>,
    /// When the current state began.
    pub since: Duration,
    /// When it must have left the current state.
    pub deadline: Option<Duration>,
    /// Requests it has completed.
    pub requests: u64,
    /// It reached `refork_after`.
    pub warm: bool,
    /// It can't be promoted.
    pub refused: bool,
    /// Promotions of it that failed.
    pub failures: u32,
    /// Its channel is closed: nothing can be told to it any more.
    pub closed: bool,
    /// It was killed.
    pub killed: bool,
}

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Forks workers.
    Mold,
    /// Serves requests.
    Worker,
}

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for, perhaps not yet in existence.
    Starting,
    /// At work.
    Ready,
    /// Asked to go.
    Retiring,
}

impl Process {
    /// The supervisor's name for it.
    pub fn ticket(&self) -> Ticket {
        self.seat.ticket
    }

    /// Its generation.
    pub fn generation(&self) -> u32 {
        self.seat.generation
    }

    /// Neither asked to go nor gone.
    pub fn is_live(&self) -> bool {
        self.state != State::Retiring
    }

    /// A worker at work.
    pub fn is_ready_worker(&self) -> bool {
        self.role == Role::Worker && self.state == State::Ready
    }

    /// A worker, or one on its way, with this number.
    pub fn holds(&self, nr: u32) -> bool {
        self.role == Role::Worker && self.seat.nr == nr && self.is_live()
    }

    /// A mold that can fork.
    pub fn is_ready_mold(&self) -> bool {
        self.role == Role::Mold && self.state == State::Ready && !self.closed
    }

    /// A worker that may be asked to become, or fork, a mold.
    pub fn is_promotable(&self) -> bool {
        self.is_ready_worker() && !self.refused && !self.closed
    }
}

/// As log lines name it: `worker=0 gen=1 pid=123`, `mold gen=1 pid=120`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Role::Mold => write!(f, "mold gen={}", self.generation())?,
            Role::Worker => write!(f, "worker={} gen={}", self.seat.nr, self.generation())?,
        }
        match self.pid {
            Some(pid) => write!(f, " pid={pid}"),
            None => Ok(()),
        }
    }
}

//! The processes the supervisor knows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Request;
use crate::policy::Usage;
use crate::wire::{Seat, Ticket};

/// A process, from the moment it is asked for until it is reaped.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its place.
    pub seat: Seat,
    /// What it is for.
    pub role: Role,
    /// The name of a service worker.
    pub name: Option<Arc<str>>,
    /// Of its code.
    pub version: u32,
    /// Where it stands.
    pub state: State,
    /// Known from its first message.
    pub pid: Option<u32>,
    /// Who forks it; `None` for a boot mold.
    pub parent: Option<Ticket>,
    /// Its mold has booted the app, and has served nothing.
    pub of_boot_mold: bool,
    /// When the current state began.
    pub since: Duration,
    /// When it must have left the current state.
    pub deadline: Option<Duration>,
    /// Requests it has completed.
    pub requests: u64,
    /// The request it is at.
    pub request: Option<Request>,
    /// Its memory in bytes, as far as it was measured.
    pub size: Option<u64>,
    /// The same in detail, where a policy needs it.
    pub memory: Option<Memory>,
    /// The request that it was told to be late with: when that began, and when it was told.
    pub interrupted: Option<(Duration, Duration)>,
    /// When it will have served long enough.
    pub expires: Option<Duration>,
    /// Time that is not counted against a request, by when that began: the clock leapt.
    pub allowance: Option<(Duration, Duration)>,
    /// Why a replacement for it is wished for.
    pub wear: Option<Wear>,
    /// It was stopped by a signal, at this time.
    pub paused: Option<Duration>,
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
    /// Does something else that the user wants done beside them.
    Service,
}

/// What was measured of a worker's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// When it was ready, or as soon after that as it was measured.
    pub first: Usage,
    /// The last time.
    pub last: Usage,
    /// How many requests it had completed by then.
    pub requests: u64,
    /// Counts the measurements of all workers.
    pub turn: u64,
}

impl Memory {
    /// Bytes of private memory since the fork. What hooks of the new worker took is not shared by any refork.
    pub fn growth(&self) -> u64 {
        self.last.private.saturating_sub(self.first.private)
    }
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

/// Why a worker that is at work is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wear {
    /// It has served as long, or as much, as it may.
    Served,
    /// A signal has stopped it.
    Stopped,
    /// It is at no request, and does not answer: a hook may have it.
    Stuck,
    /// It has more memory than it may.
    Large,
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

    /// Nothing is known that would keep it from doing as it is told.
    pub fn is_well(&self) -> bool {
        !self.closed && !self.killed && self.paused.is_none()
    }

    /// A mold that can fork.
    pub fn is_ready_mold(&self) -> bool {
        self.role == Role::Mold && self.state == State::Ready && self.is_well()
    }

    /// A worker that may be asked to become, or fork, a mold.
    pub fn is_promotable(&self) -> bool {
        let unfit = matches!(self.wear, Some(Wear::Stuck | Wear::Large));
        self.is_ready_worker() && !self.refused && self.is_well() && !unfit
    }

    /// A worker that is to be replaced by a fresh one.
    pub fn is_outworn(&self) -> bool {
        self.is_ready_worker() && self.wear.is_some()
    }
}

/// As log lines name it: `worker=0 gen=1 pid=123`, `mold gen=1 pid=120`, `service=cron gen=1 pid=125`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Role::Mold => write!(f, "mold gen={}", self.generation())?,
            Role::Worker => write!(f, "worker={} gen={}", self.seat.nr, self.generation())?,
            Role::Service => {
                let name = self.name.as_deref().unwrap_or_default();
                write!(f, "service={name} gen={}", self.generation())?;
            }
        }
        match self.pid {
            Some(pid) => write!(f, " pid={pid}"),
            None => Ok(()),
        }
    }
}

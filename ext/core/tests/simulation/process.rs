//! Virtual processes.

use std::collections::VecDeque;
use std::time::Duration;

use pitchfork_core::supervisor::{ExitStatus, Observation, Request, Role};
use pitchfork_core::wire::{Order, Seat};

use crate::agenda::{Step, Trouble};

/// A virtual process.
#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    pub seat: Seat,
    pub role: Role,
    /// Of its code.
    pub version: u32,
    /// Nothing bounds the time that an app takes to boot.
    pub booted: bool,
    /// The master hears of its end.
    pub ours: bool,
    pub ready: bool,
    /// Stuck for ever.
    pub hangs: bool,
    /// By SIGSTOP: what it would have done meanwhile, it does when it goes on.
    pub stopped: Option<Vec<Step>>,
    pub dead: bool,
    /// How it ended.
    pub fate: ExitStatus,
    /// Orders that it has not read.
    pub inbox: VecDeque<Order>,
    pub work: Option<Work>,
}

/// What a worker does all day: one request after the other.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Requests completed at `since`.
    pub completed: u64,
    /// Since when requests have come and gone; `None`: it is at one that does not end so soon, or stands still.
    pub since: Option<Duration>,
    /// How long a request takes.
    pub pace: Duration,
    /// How long a request may take.
    pub timeout: Duration,
    /// The request that does not end so soon.
    pub request: Option<Late>,
    /// When the master wants to hear.
    pub report_at: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub struct Late {
    pub request: Request,
    pub trouble: Trouble,
    /// Its deadline, in the time that processes had.
    pub due: Duration,
}

impl Work {
    pub fn requests(&self, now: Duration) -> u64 {
        let served = self
            .since
            .map_or(0, |since| (now - since).as_micros() / self.pace.as_micros());
        self.completed + served as u64
    }

    /// What its row says; `asleep` is what the clock is ahead of the time that processes had.
    pub fn observation(&self, now: Duration, asleep: Duration) -> Observation {
        let requests = self.requests(now);
        let running = self.since.map(|since| {
            let since = asleep + since + self.pace * (requests - self.completed) as u32;
            Request {
                since,
                deadline: since + self.timeout,
            }
        });
        Observation {
            requests,
            request: self.request.map(|late| late.request).or(running),
        }
    }

    /// A request begins that does not end so soon.
    pub fn begin(&mut self, now: Duration, asleep: Duration, trouble: Trouble) {
        let since = now + asleep;
        let request = Request {
            since,
            deadline: since + self.timeout,
        };
        self.request = Some(Late {
            request,
            trouble,
            due: now + self.timeout,
        });
    }

    /// No request comes or goes from now on.
    pub fn pause(&mut self, now: Duration) {
        (self.completed, self.since) = (self.requests(now), None);
    }
}

impl Process {
    pub fn new(seat: Seat, role: Role, version: u32) -> Process {
        Process {
            pid: 0,
            seat,
            role,
            version,
            booted: false,
            ours: true,
            ready: false,
            hangs: false,
            stopped: None,
            dead: false,
            fate: ExitStatus::Unknown,
            inbox: VecDeque::new(),
            work: None,
        }
    }
}

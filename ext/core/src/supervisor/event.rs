//! What the supervisor is told, and what it answers.

use std::fmt;
use std::time::Duration;

use super::Settings;
use crate::wire::{Refusal, Seat, Ticket};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The master has bound its listeners.
    Start,
    /// A process exists and speaks on the channel of this ticket.
    Hello {
        /// Whose channel it was.
        ticket: Ticket,
        /// Who the kernel says it is.
        pid: u32,
    },
    /// A worker can serve, or a mold can fork.
    Ready {
        /// Which.
        ticket: Ticket,
    },
    /// A worker completed as many requests as it was asked to tell of.
    Milestone {
        /// Which.
        ticket: Ticket,
        /// Requests completed.
        requests: u64,
    },
    /// A worker can't be promoted.
    Refused {
        /// The mold that will not come.
        ticket: Ticket,
        /// Why.
        reason: Refusal,
    },
    /// A mold, or a worker asked to fork one, could not fork. Also: it could not be asked, or the boot mold not started.
    ForkFailed {
        /// The process that will not come.
        ticket: Ticket,
        /// errno, 0 if unknown. `ESRCH`, `EPIPE`, `ECONNRESET` and `ENOTCONN` say that the order could not be sent: then the
        /// process that was asked counts as gone, not the fork as failed.
        errno: i32,
    },
    /// End-of-file on the channel of this ticket: nobody holds its other end any more.
    Closed {
        /// Which.
        ticket: Ticket,
    },
    /// A child of the master has ended. Unknown pids are strangers, adopted by the subreaper.
    Exited {
        /// Which.
        pid: u32,
        /// How.
        status: ExitStatus,
    },
    /// A child of the master was stopped by a signal (SIGSTOP, SIGTSTP).
    Stopped {
        /// Which.
        pid: u32,
    },
    /// ... and goes on (SIGCONT).
    Continued {
        /// Which.
        pid: u32,
    },
    /// The operator asks for a refork.
    Refork,
    /// The operator asks for a hot restart: a mold boots the code anew, and once its first worker has proved itself these
    /// settings are in force. They come with the number of the version, which only ever grows.
    Restart {
        /// The new version.
        version: u32,
        /// Its settings.
        settings: Box<Settings>,
    },
    /// The operator asks for one worker more.
    AddWorker,
    /// The operator asks for one worker fewer.
    RemoveWorker,
    /// The operator asks for all workers to go, and the server to stay.
    RemoveWorkers,
    /// The operator asks for the end.
    Stop {
        /// Let requests finish.
        graceful: bool,
        /// The signal's name.
        signal: &'static str,
    },
    /// The clock has gone on by this much while no process could run (the machine was suspended), or while nobody looked at
    /// it (the master was stopped). Whose time is up must not be blamed for it.
    Leapt(Duration),
    /// The time that [`Supervisor::deadline`](super::Supervisor::deadline) named has come.
    Tick,
}

/// What the scoreboard says of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Requests completed.
    pub requests: u64,
    /// The request it is at.
    pub request: Option<Request>,
}

/// A request that is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it began. No two requests of a worker begin at the same time, so this also tells one from the next.
    pub since: Duration,
    /// Its soft deadline, which the app may move.
    pub deadline: Duration,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a process that boots the app and becomes the mold.
    BootMold {
        /// Its place.
        seat: Seat,
        /// Of the code, and of the configuration that goes with it.
        version: u32,
    },
    /// Have a mold fork a worker or a service worker.
    Spawn {
        /// The mold.
        mold: Ticket,
        /// The worker's place.
        seat: Seat,
        /// After how many requests it reports [`Event::Milestone`].
        milestone: Option<u64>,
    },
    /// After how many requests a worker is to report the next [`Event::Milestone`].
    Milestone {
        /// Which.
        ticket: Ticket,
        /// `None`: no more.
        at: Option<u64>,
    },
    /// Have a worker become, or fork, a mold.
    Promote {
        /// The worker.
        worker: Ticket,
        /// The mold's place.
        seat: Seat,
        /// Whether the worker itself may leave rotation.
        in_place: bool,
    },
    /// Open those listeners that are not open yet.
    Listen,
    /// Let a ready worker accept.
    Serve(Ticket),
    /// Ask a process to finish and exit.
    Retire(Ticket),
    /// Tell a worker that its request has passed its soft deadline.
    Interrupt(Ticket),
    /// A request has passed its hard deadline: run `after_worker_hard_timeout`. The kill follows.
    HardTimeout {
        /// The worker's number.
        nr: u32,
        /// Its generation.
        generation: u32,
        /// Its pid.
        pid: u32,
        /// Requests it had completed.
        requests: u64,
    },
    /// Kill a process with SIGKILL.
    Kill(Ticket),
    /// Close the process's channel and free its row: it is gone, or it must go as soon as it notices.
    Forget(Ticket),
    /// Write to the log.
    Log(Level, String),
    /// All first workers are ready.
    ServerReady,
    /// A hot restart has succeeded so far that there is no way back: its configuration is in force.
    Restarted {
        /// The version that serves from now on.
        version: u32,
    },
    /// A hot restart has failed: the version before it serves on.
    RestartFailed {
        /// The version that is not to be.
        version: u32,
        /// Why.
        why: String,
    },
    /// All workers are of this generation, and no older process is left.
    RolloutDone {
        /// The generation.
        generation: u32,
    },
    /// A worker has ended: run `after_worker_exit`.
    WorkerExited {
        /// Its number.
        nr: u32,
        /// Its generation.
        generation: u32,
        /// Its pid.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
        /// Requests it had completed.
        requests: u64,
    },
    /// The master ends, with this status.
    Exit(i32),
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Normal life.
    Info,
    /// Something failed and is being dealt with.
    Warn,
    /// Something failed for good.
    Error,
}

/// How a process ended, wait(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this status.
    Exited(i32),
    /// This signal killed it.
    Signaled(i32),
    /// It was not our child (no subreaper): nobody told us.
    Unknown,
}

impl ExitStatus {
    /// It meant to go.
    pub fn is_success(self) -> bool {
        matches!(self, ExitStatus::Exited(0) | ExitStatus::Unknown)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitStatus::Exited(status) => write!(f, "exited with status {status}"),
            ExitStatus::Signaled(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "died of SIG{name}"),
                None => write!(f, "died of signal {signal}"),
            },
            ExitStatus::Unknown => f.write_str("ended"),
        }
    }
}

/// The names of the signals that end processes, signal(7), x86 and arm numbering.
fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
        "USR2", "PIPE", "ALRM", "TERM",
    ];
    match signal {
        24 => Some("XCPU"),
        25 => Some("XFSZ"),
        31 => Some("SYS"),
        _ => usize::try_from(signal)
            .ok()
            .filter(|&n| n > 0)
            .and_then(|n| NAMES.get(n))
            .copied(),
    }
}

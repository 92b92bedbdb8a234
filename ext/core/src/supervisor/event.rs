//! What the supervisor is told, and what it answers.

use std::fmt;

use crate::wire::{Refusal, Seat, Ticket};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A worker completed as many requests as `refork_after` asks for.
    Warm {
        /// Which.
        ticket: Ticket,
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
    /// The operator asks for a refork.
    Refork,
    /// The operator asks for one worker more.
    AddWorker,
    /// The operator asks for one worker fewer.
    RemoveWorker,
    /// The operator asks for the end.
    Stop {
        /// Let requests finish.
        graceful: bool,
        /// The signal's name.
        signal: &'static str,
    },
    /// The time that [`Supervisor::deadline`](super::Supervisor::deadline) named has come.
    Tick,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a process that boots the app and becomes the mold.
    BootMold(Seat),
    /// Have a mold fork a worker.
    Spawn {
        /// The mold.
        mold: Ticket,
        /// The worker's place.
        seat: Seat,
        /// After how many requests it reports [`Event::Warm`].
        warm_at: Option<u64>,
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
    /// Open the listeners.
    Listen,
    /// Let a ready worker accept.
    Serve(Ticket),
    /// Ask a process to finish and exit.
    Retire(Ticket),
    /// Kill a process with SIGKILL.
    Kill(Ticket),
    /// Close the process's channel and free its row: it is gone, or it must go as soon as it notices.
    Forget(Ticket),
    /// Write to the log.
    Log(Level, String),
    /// All first workers are ready.
    ServerReady,
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

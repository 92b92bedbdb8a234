//! Who goes, who has gone, and whether that counts as a failure.

use std::time::Duration;

use super::{Action, ExitStatus, Level, Phase, Process, Refork, Role, State, Supervisor, Wear};
use crate::planted::{Bug, planted};
use crate::wire::Ticket;

/// A process that dies sooner than this after it was ready counts as a failed start: replacing it at once would spin.
const SETTLED: Duration = Duration::from_secs(1);

/// A mold that forks nothing but so many workers in a row that die at once is replaced.
const BARREN: u32 = 5;

/// Whoever was killed and is not reaped after this time is taken for dead: its end was reported before its first message,
/// when its pid was a stranger's, or it is stuck in the kernel, where it runs no code of ours any more.
const REAPED: Duration = Duration::from_secs(5);

impl Supervisor {
    /// A process has ended.
    pub(super) fn exited(&mut self, now: Duration, ticket: Ticket, status: ExitStatus) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
        if planted(Bug::ForgetsTheUnborn) {
            self.processes
                .retain(|p| p.pid.is_some() || p.parent != Some(ticket));
        }
        self.act(Action::Forget(ticket));
        let (requests, pid) = (process.requests, process.pid.unwrap_or_default());
        if process.role == Role::Worker {
            self.act(Action::WorkerExited {
                nr: process.seat.nr,
                generation: process.generation(),
                pid,
                status,
                requests,
            });
        }
        let served = match process.role {
            Role::Worker => format!(" after {requests} requests"),
            Role::Mold | Role::Service => String::new(),
        };
        match process.state {
            State::Starting => self.lost(now, &process, &format!("it {status}")),
            State::Retiring if status.is_success() => {
                self.log(Level::Info, format!("{process} retired{served}"));
            }
            // By us: at an immediate stop, before it had anything to finish, or past a deadline, of which the log has told already.
            State::Retiring if process.killed => {
                self.log(Level::Info, format!("{process} stopped{served}"));
            }
            State::Ready if status.is_success() && process.role != Role::Mold => {
                self.log(Level::Info, format!("{process} left{served}"));
                self.left(now, &process, status);
            }
            State::Retiring => self.log(Level::Warn, format!("{process} {status}{served}")),
            State::Ready => {
                self.log(Level::Warn, format!("{process} {status}{served}"));
                self.left(now, &process, status);
            }
        }
    }

    /// A process at work has gone, and nobody had asked it to.
    fn left(&mut self, now: Duration, process: &Process, status: ExitStatus) {
        let early = now < process.since + SETTLED;
        match process.role {
            Role::Worker => {
                if early {
                    self.crash_backoff.fail(now);
                    // SIGKILL comes from outside, the kernel's included.
                    if !status.is_success() && status != ExitStatus::Signaled(9) {
                        self.count_barren(now, process);
                    }
                } else {
                    self.crash_backoff.reset();
                    let lived = |(_, _, began): &(Ticket, u32, Duration)| process.since > *began;
                    self.barren = self.barren.filter(|barren| !lived(barren));
                }
                if !status.is_success() {
                    self.counters.lost_workers += 1;
                    if early || self.on_probation(process.generation()) {
                        self.canary_lost(now, process, &format!("{process} {status}"));
                    }
                }
            }
            Role::Service if early => self.service_failed(now, process.seat.nr),
            Role::Service => drop(self.service_backoffs.remove(&process.seat.nr)),
            Role::Mold => {
                self.counters.lost_molds += 1;
                if early {
                    self.mold_crash_backoff.fail(now);
                } else {
                    self.mold_backoff.reset();
                    self.mold_crash_backoff.reset();
                    self.mold_attempts = 0;
                }
                self.mold_lost(now, process, &format!("its mold {status}"));
            }
        }
    }

    /// A process that was asked for will never be ready.
    pub(super) fn lost(&mut self, now: Duration, process: &Process, why: &str) {
        if process.state == State::Retiring || self.is_stopping() {
            return;
        }
        let orphaned = process.role != Role::Mold
            && process.pid.is_none()
            && !(self.processes.iter())
                .any(|p| p.is_ready_mold() && Some(p.ticket()) == process.parent);
        let why = if orphaned { "its mold is gone" } else { why };
        let text = format!("{process} did not become ready: {why}");
        self.log(Level::Warn, text.clone());
        match process.role {
            // The server never stops because a mold died, so its unborn workers are no failed spawns.
            Role::Worker if orphaned => {}
            Role::Service => self.service_failed(now, process.seat.nr),
            Role::Worker => {
                self.counters.lost_workers += 1;
                self.spawn_backoff.fail(now);
                if !self.canary_lost(now, process, &text) {
                    self.count_spawn_error(now);
                    self.count_barren(now, process);
                }
            }
            Role::Mold if self.phase == Phase::Booting => {
                self.log(Level::Error, "the app did not boot".to_string());
                self.stop(now, false, 1);
            }
            Role::Mold => {
                self.counters.lost_molds += 1;
                if !self.is_booting(process) {
                    self.mold_backoff.fail(now);
                }
                self.promotion_failed(now, process, why);
            }
        }
    }

    fn count_spawn_error(&mut self, now: Duration) {
        self.spawn_errors += 1;
        let limit = self.settings.max_consecutive_spawn_errors;
        if let Some(limit) = limit.filter(|limit| self.spawn_errors >= *limit) {
            let text = format!(
                "{limit} spawns failed in a row (max_consecutive_spawn_errors {limit}): giving up"
            );
            self.log(Level::Error, text);
            self.stop(now, true, 1);
        }
    }

    /// A worker did not live for long. If that is all that comes out of this mold any more, it goes, and the app is booted again:
    /// that costs no worker, and helps against whatever is wrong with the mold itself.
    fn count_barren(&mut self, now: Duration, worker: &Process) {
        let mold = self.mold().map(Process::ticket);
        let Some(mold) = mold.filter(|mold| worker.parent == Some(*mold)) else {
            return;
        };
        if self.refork != Refork::Idle || !self.listening || self.is_stopping() {
            return;
        }
        let settled = |since: Duration| {
            (self.processes.iter())
                .filter(|p| p.parent == Some(mold) && p.is_ready_worker())
                .any(|p| p.since > since && now >= p.since + SETTLED)
        };
        let (failures, since) = match self.barren {
            Some((same, failures, since)) if same == mold && !settled(since) => {
                (failures + 1, since)
            }
            _ => (1, now),
        };
        self.barren = Some((mold, failures, since));
        if failures < BARREN {
            return;
        }
        if let Some(process) = self.find(mold) {
            let text = format!(
                "{process} has forked {failures} workers in a row that did not live: booting another"
            );
            self.log(Level::Warn, text);
        }
        self.mold_attempts = 1; // which is a boot's turn
        self.mold_backoff.fail(now);
        self.retire(now, mold);
    }

    /// Begins the end. Said twice, the more urgent wins.
    pub(super) fn stop(&mut self, now: Duration, graceful: bool, status: i32) {
        if !self.is_stopping() {
            self.phase = Phase::Stopping(status);
            self.refork = Refork::Idle;
            (self.upcoming, self.restart) = (None, None);
        }
        for index in 0..self.processes.len() {
            let process = &self.processes[index];
            // What is still starting has nothing to finish, and may be deep in user code.
            let gently = graceful && process.state != State::Starting;
            self.dismiss(now, process.ticket(), gently);
        }
        self.processes.retain(|p| p.pid.is_some());
    }

    /// Sends a process away: gently (it finishes its request), or at once. One that has not said hello is forgotten,
    /// which it notices by the end of its channel.
    fn dismiss(&mut self, now: Duration, ticket: Ticket, gently: bool) {
        let latest = now + self.settings.retire_timeout;
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        let (known, retiring) = (process.pid.is_some(), process.state == State::Retiring);
        process.state = State::Retiring;
        match (known, gently) {
            (false, _) => self.act(Action::Forget(ticket)),
            (true, false) => self.kill(now, ticket),
            (true, true) if retiring || process.killed => {}
            (true, true) => {
                process.deadline = match process.deadline {
                    Some(at) if process.closed => Some(at.min(latest)),
                    _ => Some(latest),
                };
                self.act(Action::Retire(ticket));
            }
        }
    }

    /// Asks a process to finish and exit.
    pub(super) fn retire(&mut self, now: Duration, ticket: Ticket) {
        self.dismiss(now, ticket, true);
        self.processes.retain(|p| p.pid.is_some() || p.is_live());
    }

    /// Sends a process away at once.
    pub(super) fn dismiss_now(&mut self, now: Duration, ticket: Ticket) {
        self.dismiss(now, ticket, false);
        self.processes.retain(|p| p.pid.is_some() || p.is_live());
    }

    /// Sends SIGKILL. What state the process is in stays as it was: it says what its end will mean.
    pub(super) fn kill(&mut self, now: Duration, ticket: Ticket) {
        if let Some(process) = self.find_mut(ticket) {
            if !process.killed {
                process.deadline = Some(now + REAPED);
            }
            process.killed = true;
            self.act(Action::Kill(ticket));
        }
    }

    /// Kills what has overstayed its deadline.
    pub(super) fn expire(&mut self, now: Duration) {
        let is_late = |p: &&Process| p.deadline.is_some_and(|at| at <= now);
        let late: Vec<Ticket> = (self.processes.iter().filter(is_late))
            .map(Process::ticket)
            .collect();
        for ticket in late {
            let Some(process) = self.find(ticket).filter(is_late) else {
                continue; // went with the stop that an earlier one caused
            };
            if process.pid.is_none() {
                self.never_came(now, ticket);
            } else if process.killed {
                self.log(Level::Warn, format!("{process} was killed, but not reaped"));
                self.exited(now, ticket, ExitStatus::Signaled(9));
            } else {
                let text = format!("{process} {}: killed", fault(process.state));
                self.log(Level::Warn, text);
                self.kill(now, ticket);
            }
        }
    }

    /// A process that has not even said hello in time. A mold that can't fork is stuck, so it has to go. A worker asked to
    /// fork a mold may only be busy with a request; if it is not, it is stuck, too, and needs a replacement.
    fn never_came(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
        self.act(Action::Forget(ticket));
        if process.closed {
            self.lost(now, &process, "it died before its first message");
            return;
        }
        let after = super::seconds(self.settings.spawn_timeout);
        self.lost(now, &process, &format!("nothing heard of it in {after}"));
        let parent = process.parent.and_then(|parent| self.find(parent));
        if let Some(mold) = parent.filter(|p| p.role == Role::Mold && !p.killed) {
            let (text, mold) = (
                format!("{mold} did not fork in {after}: killed"),
                mold.ticket(),
            );
            self.log(Level::Warn, text);
            self.dismiss(now, mold, false);
            return;
        }
        let worker = process.parent.and_then(|parent| self.find_mut(parent));
        let idle = |p: &&mut Process| p.is_ready_worker() && p.request.is_none();
        if let Some(worker) = worker.filter(idle) {
            worker.wear = Some(Wear::Stuck);
            let text =
                format!("{worker} is at no request and did not answer in {after}: replacing it");
            self.log(Level::Warn, text);
        }
    }
}

/// What a process in this state has done to have overstayed its deadline.
fn fault(state: State) -> &'static str {
    match state {
        State::Starting => "was not ready in time",
        State::Ready => "closed its channel and stayed",
        State::Retiring => "did not retire in time",
    }
}

//! What an event says about the processes.

use std::time::Duration;

use super::{
    Action, Event, ExitStatus, Level, Phase, Process, Refork, Role, State, Supervisor, seconds,
};
use crate::wire::{Refusal, Ticket};

/// A process whose channel is closed can't be asked to go any more; it is given this long to go by itself.
const UNREACHABLE: Duration = Duration::from_secs(2);

/// A worker that dies sooner than this after it was ready counts as a failed spawn: replacing it at once would spin.
const SETTLED: Duration = Duration::from_secs(1);

impl Supervisor {
    pub(super) fn handle(&mut self, now: Duration, event: Event) {
        match event {
            Event::Start => self.started = now,
            Event::Hello { ticket, pid } => self.hello(ticket, pid),
            Event::Ready { ticket } => self.ready(now, ticket),
            Event::Warm { ticket } => {
                if let Some(process) = self.find_mut(ticket) {
                    process.warm = true;
                }
            }
            Event::Refused { ticket, reason } => self.refused(now, ticket, reason),
            Event::ForkFailed { ticket, errno } => self.fork_failed(now, ticket, errno),
            Event::Closed { ticket } => self.closed(now, ticket),
            Event::Exited { pid, status } => {
                let known = self.processes.iter().find(|p| p.pid == Some(pid));
                if let Some(ticket) = known.map(Process::ticket) {
                    self.exited(now, ticket, status);
                }
            }
            Event::Refork => self.refork_requested(),
            Event::AddWorker => self.resize(self.workers.saturating_add(1)),
            Event::RemoveWorker => self.resize(self.workers - 1),
            Event::Stop { graceful, signal } => {
                self.log(Level::Info, format!("stopping on SIG{signal}"));
                self.stop(now, graceful, 0);
            }
            Event::Tick => {}
        }
    }

    fn hello(&mut self, ticket: Ticket, pid: u32) {
        let Some(process) = self.find_mut(ticket) else {
            return; // forgotten meanwhile: its channel is closed, it goes by itself
        };
        if process.pid == Some(pid) {
            return; // the boot mold: its pid was known from the spawn
        }
        process.pid = Some(pid);
        let (role, generation, parent) = (process.role, process.generation(), process.parent);
        if role == Role::Worker {
            return;
        }
        match parent.and_then(|worker| self.find(worker)) {
            Some(worker) => {
                let (from, in_place) = (worker.to_string(), worker.pid == Some(pid));
                let how = if in_place { "in place" } else { "by fork" };
                self.log(
                    Level::Info,
                    format!("{from} promoted: mold gen={generation} pid={pid} {how}"),
                );
                if in_place && let Some(worker) = parent.and_then(|ticket| self.remove(ticket)) {
                    self.vacate(worker.seat.nr);
                    self.act(Action::Forget(worker.ticket()));
                }
            }
            None if parent.is_none() => {
                self.log(
                    Level::Info,
                    format!("mold gen={generation} pid={pid} booting"),
                );
            }
            // Its worker died right after the fork. It is a good mold all the same.
            None => self.log(
                Level::Info,
                format!("mold gen={generation} pid={pid} promoted by fork"),
            ),
        }
    }

    fn ready(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        if process.state != State::Starting {
            return; // asked to retire before it was ready: the order is on its way
        }
        let took = now.saturating_sub(process.since);
        process.state = State::Ready;
        process.since = now;
        process.deadline = None;
        let (role, generation) = (process.role, process.generation());
        let text = format!("{process} ready in {}", seconds(took));
        if role == Role::Worker && !self.listening {
            // The log must not say ready before a client can connect.
            self.listening = true;
            self.act(Action::Listen);
        }
        self.log(Level::Info, text);
        match role {
            Role::Worker => {
                self.spawn_errors = 0;
                self.act(Action::Serve(ticket));
            }
            Role::Mold => {
                if self.phase == Phase::Booting {
                    self.phase = Phase::Serving;
                }
                self.mold_attempts = 0;
                self.mold_backoff.reset();
                self.newest = self.newest.max(Some(generation));
                self.begin_rollout(ticket);
            }
        }
    }

    fn refused(&mut self, now: Duration, mold: Ticket, reason: Refusal) {
        let Some(mold) = self.remove(mold) else {
            return;
        };
        self.act(Action::Forget(mold.ticket()));
        let why = match reason {
            Refusal::NotForkSafe => "it is no longer fork safe",
            Refusal::Threads => "it has other threads, and promotion is :in_place",
            Refusal::Failed => "a hook or the fork failed",
        };
        if let Some(worker) = mold.parent.and_then(|worker| self.find_mut(worker)) {
            worker.refused = true;
            let text = format!("{worker} can't be promoted: {why}");
            self.log(Level::Warn, text);
        }
        self.promotion_refused(now, mold.ticket(), why);
    }

    fn fork_failed(&mut self, now: Duration, ticket: Ticket, errno: i32) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
        self.act(Action::Forget(ticket));
        let why = match errno {
            0 => "the fork failed, see above".to_string(),
            errno => format!("the fork failed with errno {errno}"),
        };
        self.lost(now, &process, &why);
    }

    fn closed(&mut self, now: Duration, ticket: Ticket) {
        let adopts = self.settings.adopts;
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        if process.pid.is_none() {
            let process = self.remove(ticket).expect("just found");
            self.act(Action::Forget(ticket));
            self.lost(now, &process, "it died before its first message");
        } else if !adopts && process.parent.is_some() {
            // It is not our child: this is all we shall ever hear.
            self.exited(now, ticket, ExitStatus::Unknown);
        } else {
            let grace = now + UNREACHABLE;
            process.deadline = Some(process.deadline.map_or(grace, |at| at.min(grace)));
        }
    }

    fn exited(&mut self, now: Duration, ticket: Ticket, status: ExitStatus) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
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
            Role::Mold => String::new(),
        };
        match process.state {
            State::Starting => self.lost(now, &process, &format!("it {status}")),
            State::Retiring if status.is_success() => {
                self.log(Level::Info, format!("{process} retired{served}"));
            }
            State::Ready if status.is_success() && process.role == Role::Worker => {
                self.log(Level::Info, format!("{process} left{served}"));
            }
            State::Retiring => self.log(Level::Warn, format!("{process} {status}{served}")),
            State::Ready => {
                self.log(Level::Warn, format!("{process} {status}{served}"));
                if process.role == Role::Worker && now < process.since + SETTLED {
                    self.spawn_backoff.fail(now);
                }
                self.mold_lost(now, &process, status);
            }
        }
    }

    /// A process that was asked for will never be ready.
    pub(super) fn lost(&mut self, now: Duration, process: &Process, why: &str) {
        if process.state == State::Retiring || self.is_stopping() {
            return;
        }
        self.log(
            Level::Warn,
            format!("{process} did not become ready: {why}"),
        );
        match process.role {
            Role::Worker => {
                self.spawn_backoff.fail(now);
                self.count_spawn_error(now);
                self.canary_lost(now, process, why);
            }
            Role::Mold if self.phase == Phase::Booting => {
                self.log(Level::Error, "the app did not boot".to_string());
                self.stop(now, false, 1);
            }
            Role::Mold => {
                self.mold_backoff.fail(now);
                self.promotion_failed(now, process, why);
            }
        }
    }

    fn count_spawn_error(&mut self, now: Duration) {
        self.spawn_errors += 1;
        if let Some(limit) = self.settings.max_consecutive_spawn_errors
            && self.spawn_errors >= limit
        {
            let text = format!(
                "{limit} spawns failed in a row (max_consecutive_spawn_errors {limit}): giving up"
            );
            self.log(Level::Error, text);
            self.stop(now, true, 1);
        }
    }

    fn resize(&mut self, workers: u32) {
        if workers == 0 {
            let text = "the last worker stays: stop the server with QUIT instead".to_string();
            self.log(Level::Warn, text);
        } else if workers > crate::MAX_WORKERS {
            let text = format!("{} workers are the most there can be", crate::MAX_WORKERS);
            self.log(Level::Warn, text);
        } else {
            self.log(Level::Info, format!("worker_processes is now {workers}"));
            self.workers = workers;
        }
    }

    /// Begins the end. Said twice, the more urgent wins.
    pub(super) fn stop(&mut self, now: Duration, graceful: bool, status: i32) {
        if !self.is_stopping() {
            self.phase = Phase::Stopping(status);
            self.refork = Refork::Idle;
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
        let timeout = self.settings.retire_timeout;
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        let (known, retiring) = (process.pid.is_some(), process.state == State::Retiring);
        process.state = State::Retiring;
        if gently && !retiring {
            process.deadline = Some(now + timeout);
        }
        match (known, gently) {
            (false, _) => self.act(Action::Forget(ticket)),
            (true, false) => self.act(Action::Kill(ticket)),
            (true, true) if !retiring => self.act(Action::Retire(ticket)),
            (true, true) => {}
        }
    }

    /// Asks a process to finish and exit.
    pub(super) fn retire(&mut self, now: Duration, ticket: Ticket) {
        self.dismiss(now, ticket, true);
        self.processes.retain(|p| p.pid.is_some() || p.is_live());
    }
}

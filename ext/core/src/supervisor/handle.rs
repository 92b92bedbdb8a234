//! What an event says about the processes.

use std::time::Duration;

use super::{Action, Event, ExitStatus, Level, Phase, Process, Role, State, Supervisor, seconds};
use crate::wire::{Refusal, Ticket};

/// A process whose channel is closed can't be asked to go any more; it is given this long to go by itself.
const UNREACHABLE: Duration = Duration::from_secs(2);

/// `ESRCH` where nobody has that ticket, and `EPIPE`, `ECONNRESET` and `ENOTCONN` of sendmsg(2), Linux numbering: fork(2)
/// knows none of them.
const HUNG_UP: [i32; 4] = [3, 32, 104, 107];

impl Supervisor {
    pub(super) fn handle(&mut self, now: Duration, event: Event) {
        match event {
            Event::Start => self.started = now,
            Event::Hello { ticket, pid } => self.hello(now, ticket, pid),
            Event::Ready { ticket } => self.ready(now, ticket),
            Event::Milestone { ticket, requests } => self.milestone(ticket, requests),
            Event::Refused { ticket, reason } => self.refused(now, ticket, reason),
            Event::ForkFailed { ticket, errno } => self.fork_failed(now, ticket, errno),
            Event::Closed { ticket } => self.closed(now, ticket),
            Event::Exited { pid, status } => {
                let known = self.processes.iter().find(|p| p.pid == Some(pid));
                if let Some(ticket) = known.map(Process::ticket) {
                    self.exited(now, ticket, status);
                }
            }
            Event::Stopped { pid } => self.paused(pid, Some(now)),
            Event::Continued { pid } => self.paused(pid, None),
            Event::Leapt(time) => self.leapt(time),
            Event::Refork => self.refork_requested(),
            Event::Restart { version, settings } => self.restart_requested(now, version, settings),
            Event::AddWorker => self.resize(self.workers.saturating_add(1)),
            Event::RemoveWorker => self.resize(self.workers.saturating_sub(1)),
            Event::RemoveWorkers => self.remove_workers(),
            Event::Stop { graceful, signal } => {
                self.log(Level::Info, format!("stopping on SIG{signal}"));
                self.stop(now, graceful, 0);
            }
            Event::Tick => {}
        }
    }

    fn hello(&mut self, now: Duration, ticket: Ticket, pid: u32) {
        let spawn_timeout = self.settings.spawn_timeout;
        let Some(process) = self.find_mut(ticket) else {
            return; // forgotten meanwhile: its channel is closed, it goes by itself
        };
        if process.pid == Some(pid) {
            return; // the boot mold: its pid was known from the spawn
        }
        process.pid = Some(pid);
        if process.role == Role::Mold && process.parent.is_some() {
            // The worker it comes from may have been busy with a request until now.
            process.since = now;
            process.deadline = Some(now + spawn_timeout);
        }
        let (role, generation, parent) = (process.role, process.generation(), process.parent);
        let version = process.version;
        if role != Role::Mold {
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
                let left = parent.filter(|_| in_place);
                if let Some(worker) = left.and_then(|ticket| self.remove(ticket)) {
                    self.vacate(worker.seat.nr);
                    self.act(Action::Forget(worker.ticket()));
                }
            }
            None if parent.is_none() => {
                self.log(
                    Level::Info,
                    format!(
                        "mold gen={generation} pid={pid} booting{}",
                        self.of_version(version)
                    ),
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
        if process.state != State::Starting || process.killed {
            return; // asked to retire, or killed, before it was ready: that is on its way
        }
        let took = now.saturating_sub(process.since);
        process.state = State::Ready;
        process.since = now;
        process.deadline = None;
        let version = process.version;
        let (role, generation, parent) = (process.role, process.generation(), process.parent);
        let text = format!("{process} ready in {}", seconds(took));
        if role == Role::Worker && (!self.listening || version > self.version) {
            // The log must not say ready before a client can connect.
            self.listening = true;
            self.act(Action::Listen);
        }
        self.log(Level::Info, text);
        match role {
            Role::Service => {}
            Role::Worker => {
                self.spawn_errors = 0;
                self.spawn_backoff.reset();
                self.begin_life(now, ticket);
                if self.mold().map(Process::ticket) == parent {
                    self.mold_attempts = 0;
                    if !self.on_probation(generation) {
                        self.mold_backoff.reset();
                    }
                }
                self.act(Action::Serve(ticket));
            }
            Role::Mold => {
                if self.phase == Phase::Booting {
                    self.phase = Phase::Serving;
                }
                self.newest = self.newest.max(Some(generation));
                if parent.is_none() {
                    self.boots.insert(version, took);
                }
                self.begin_rollout(now, ticket, took);
            }
        }
    }

    fn refused(&mut self, now: Duration, mold: Ticket, reason: Refusal) {
        let Some(mold) = self.remove(mold) else {
            return;
        };
        self.act(Action::Forget(mold.ticket()));
        let (why, for_good) = match reason {
            Refusal::NotForkSafe => ("it is no longer fork safe", true),
            Refusal::Threads => ("it has other threads, and promotion is :in_place", true),
            Refusal::Failed => ("a hook or the fork failed", false),
        };
        if let Some(worker) = mold.parent.and_then(|worker| self.find_mut(worker)) {
            worker.refused |= for_good;
            let text = format!("{worker} can't be promoted: {why}");
            self.log(Level::Warn, text);
        }
        self.promotion_refused(now, &mold, why);
    }

    fn fork_failed(&mut self, now: Duration, ticket: Ticket, errno: i32) {
        let Some(process) = self.remove(ticket) else {
            return;
        };
        self.act(Action::Forget(ticket));
        if HUNG_UP.contains(&errno) {
            if let Some(parent) = process.parent {
                self.hung_up(now, parent);
            }
            if process.role == Role::Mold && process.parent.is_some() {
                self.promotion_refused(now, &process, "the worker is gone");
                return;
            }
        }
        let why = match errno {
            0 => "the fork failed, see above".to_string(),
            errno => format!("the fork failed with errno {errno}"),
        };
        self.lost(now, &process, &why);
    }

    fn closed(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find(ticket) else {
            return;
        };
        let asked = process.parent.and_then(|parent| self.find(parent));
        if process.pid.is_none() && asked.is_some_and(|p| p.role == Role::Worker && !p.closed) {
            // Nothing keeps order between channels: the worker may have said why on its own.
            self.hung_up(now, ticket);
        } else if process.pid.is_none() {
            let process = self.remove(ticket).expect("just found");
            self.act(Action::Forget(ticket));
            self.lost(now, &process, "it died before its first message");
        } else if !self.settings.adopts && process.parent.is_some() {
            // It is not our child: this is all we shall ever hear.
            self.exited(now, ticket, ExitStatus::Unknown);
        } else {
            self.hung_up(now, ticket);
        }
    }

    /// A process can't be told anything any more. Most probably it is dead and will be reaped at once.
    fn hung_up(&mut self, now: Duration, ticket: Ticket) {
        if let Some(process) = self.find_mut(ticket).filter(|p| !p.closed) {
            process.closed = true;
            let grace = now + UNREACHABLE;
            process.deadline = Some(process.deadline.map_or(grace, |at| at.min(grace)));
        }
    }

    /// The newest wish counts: the workers of a hot restart that is under way do not come either.
    fn remove_workers(&mut self) {
        let text = "all workers retire; the server stays".to_string();
        self.log(Level::Info, text);
        self.workers = 0;
        for version in [&mut self.upcoming, &mut self.restart]
            .into_iter()
            .flatten()
        {
            version.settings.workers = 0;
        }
    }

    fn resize(&mut self, workers: u32) {
        if workers == 0 && self.workers == 0 {
            self.log(Level::Info, "there is no worker to remove".to_string());
        } else if workers == 0 {
            let text = "the last worker stays: stop the server with QUIT, or retire all workers with WINCH".to_string();
            self.log(Level::Warn, text);
        } else if workers > crate::MAX_WORKERS {
            let text = format!("{} workers are the most there can be", crate::MAX_WORKERS);
            self.log(Level::Warn, text);
        } else {
            self.log(Level::Info, format!("worker_processes is now {workers}"));
            self.workers = workers;
        }
    }
}

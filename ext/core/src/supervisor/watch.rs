//! Whose time is up, and who stands still?

use std::time::Duration;

use super::process::Wear;
use super::{Action, Level, Process, Refork, Role, State, Supervisor, seconds};
use crate::planted::{Bug, planted};
use crate::wire::Ticket;

/// A child that is stopped for so long is not coming back soon. Shorter: a debugger, or a shell's job control.
const STOPPED: Duration = Duration::from_secs(1);

impl Supervisor {
    /// When something is to be done about a process, if nothing happens before.
    pub(super) fn process_deadline(&self, process: &Process) -> Option<Duration> {
        let stopped = process
            .paused
            .filter(|_| !process.killed && process.wear.is_none());
        let expires = process
            .expires
            .filter(|_| process.is_ready_worker() && process.wear.is_none());
        [
            process.deadline,
            stopped.map(|since| since + STOPPED),
            expires,
            self.request_deadline(process),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When a worker's request is late, or late with its end.
    fn request_deadline(&self, process: &Process) -> Option<Duration> {
        let late = soft_deadline(process).filter(|_| !process.killed)?;
        Some(match told(process) {
            Some(told) => told + self.settings_of(process.version).cleanup,
            None => late,
        })
    }

    /// Looks at all that is watched besides [`Process::deadline`].
    pub(super) fn watch(&mut self, now: Duration) {
        let due = |p: &Process, at: Option<Duration>| at.is_some_and(|at| at <= now) && !p.killed;
        let late: Vec<Ticket> = (self.processes.iter())
            .filter(|p| due(p, self.request_deadline(p)))
            .map(Process::ticket)
            .collect();
        for ticket in late {
            self.request_is_late(now, ticket);
        }
        let stopped: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.wear.is_none() && due(p, p.paused.map(|since| since + STOPPED)))
            .map(Process::ticket)
            .collect();
        for ticket in stopped {
            self.stands_still(now, ticket);
        }
        let expired: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.is_ready_worker() && p.wear.is_none() && due(p, p.expires))
            .map(Process::ticket)
            .collect();
        for ticket in expired {
            self.has_served_enough(ticket, "max_lifetime");
        }
    }

    /// Its worker is told, and killed when that does not help.
    fn request_is_late(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        let (Some(request), text) = (process.request, process.to_string()) else {
            return;
        };
        let took = seconds(now.saturating_sub(request.since));
        if told(process).is_none() {
            process.interrupted = Some((request.since, now));
            self.counters.soft_timeouts += 1;
            self.log(
                Level::Warn,
                format!("{text} has been at a request for {took}: told to give up"),
            );
            self.act(Action::Interrupt(ticket));
            return;
        }
        let (nr, generation) = (process.seat.nr, process.generation());
        let (pid, requests) = (process.pid.unwrap_or_default(), process.requests);
        self.counters.hard_timeouts += 1;
        self.log(
            Level::Error,
            format!("{text} has been at a request for {took}: killed"),
        );
        self.act(Action::HardTimeout {
            nr,
            generation,
            pid,
            requests,
        });
        self.kill(now, ticket);
    }

    /// The server depends on its mold. A worker may go on one day, and finish its request; until then another does its work.
    fn stands_still(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        let text = process.to_string();
        if process.role == Role::Worker {
            process.wear = Some(Wear::Stopped);
            // One that starts, or retires, has a deadline of its own.
            if process.state == State::Ready {
                self.log(
                    Level::Warn,
                    format!("{text} was stopped by a signal: replacing it"),
                );
            }
        } else {
            self.log(
                Level::Warn,
                format!("{text} was stopped by a signal: killed"),
            );
            self.kill(now, ticket);
        }
    }

    /// A child was stopped, or goes on.
    pub(super) fn paused(&mut self, pid: u32, since: Option<Duration>) {
        let known = (self.processes.iter_mut()).find(|p| p.pid == Some(pid));
        if let Some(process) = known {
            process.paused = since;
            if process.wear == Some(Wear::Stopped) {
                process.wear = None; // if it was replaced already, it is on its way out
            }
        }
    }

    /// Nobody is to blame for time in which he could not run.
    pub(super) fn leapt(&mut self, time: Duration) {
        let text = format!(
            "the clock went on by {} while this process was not running: deadlines are as much later",
            seconds(time)
        );
        self.log(Level::Warn, text);
        for process in self
            .processes
            .iter_mut()
            .filter(|_| !planted(Bug::BlamesSleepers))
        {
            let times = [
                &mut process.deadline,
                &mut process.expires,
                &mut process.paused,
            ];
            for at in times.into_iter().flatten() {
                *at += time;
            }
            process.since += time;
            if let Some((_, told)) = &mut process.interrupted {
                *told += time;
            }
            process.allowance = match (process.request, process.allowance) {
                (Some(now), Some((since, before))) if since == now.since => {
                    Some((since, before + time))
                }
                (now, _) => now.map(|request| (request.since, time)),
            };
        }
        if let Refork::Rolling { since, .. } = &mut self.refork {
            *since += time; // nor has the rollout taken so long
        }
    }

    /// A worker begins to serve: from now on its life is counted.
    pub(super) fn begin_life(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find(ticket) else {
            return;
        };
        let lifetime = (self.settings_of(process.version).limits).lifetime(ticket.0);
        if let Some(process) = self.find_mut(ticket) {
            process.expires = lifetime.map(|lifetime| now + lifetime);
        }
    }

    /// A worker has completed as many requests as it was asked to tell of.
    pub(super) fn milestone(&mut self, ticket: Ticket, requests: u64) {
        let Some(process) = self.find_mut(ticket) else {
            return;
        };
        process.requests = process.requests.max(requests);
        let (requests, generation) = (process.requests, process.generation());
        let (version, worn) = (process.version, process.wear == Some(Wear::Served));
        let settings = self.settings_of(version);
        let reached = |at: Option<u64>| at.is_some_and(|at| at <= requests);
        let warm = settings.adopts && reached(settings.refork_after.threshold(generation));
        let enough = reached(settings.limits.requests(ticket.0));
        if let Some(process) = self.find_mut(ticket).filter(|_| warm) {
            process.warm = true;
        }
        if enough && !worn {
            self.has_served_enough(ticket, "max_requests");
        }
        let at = self.next_milestone(ticket, version, generation, requests);
        self.act(Action::Milestone { ticket, at });
    }

    /// After how many requests the supervisor wants to hear of a worker that has completed `requests`.
    pub(super) fn next_milestone(
        &self,
        ticket: Ticket,
        version: u32,
        generation: u32,
        requests: u64,
    ) -> Option<u64> {
        let settings = self.settings_of(version);
        let warm = (settings.refork_after.threshold(generation)).filter(|_| settings.adopts);
        let canary = self
            .on_probation(generation)
            .then_some(settings.canary_requests);
        [warm, canary, settings.limits.requests(ticket.0)]
            .into_iter()
            .flatten()
            .filter(|at| *at > requests)
            .min()
    }

    fn has_served_enough(&mut self, ticket: Ticket, limit: &str) {
        let Some(process) = self.find_mut(ticket).filter(|p| p.is_ready_worker()) else {
            return;
        };
        process.wear = Some(Wear::Served);
        let text = format!(
            "{process} has served {} requests ({limit}): replacing it",
            process.requests
        );
        self.log(Level::Info, text);
    }
}

/// When a worker's request is late.
fn soft_deadline(process: &Process) -> Option<Duration> {
    let request = process.request?;
    Some(match process.allowance {
        Some((since, time)) if since == request.since => request.deadline + time,
        _ => request.deadline,
    })
}

/// When the worker was told that its request is late. If the app has given it more time since, it may not have heard.
fn told(process: &Process) -> Option<Duration> {
    let (since, told) = process.interrupted?;
    let late = soft_deadline(process)?;
    (process.request?.since == since && late <= told).then_some(told)
}

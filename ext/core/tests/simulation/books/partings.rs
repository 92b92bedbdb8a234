//! Who is asked to go, who is killed, and whether there was a reason.

use std::time::Duration;

use pitchfork_core::supervisor::Role;
use pitchfork_core::wire::Ticket;

use super::record::Record;
use super::{Books, Check, ensure};
use crate::kernel::Kernel;
use crate::secs;

/// How long a process whose channel is closed has to go by itself.
const UNREACHABLE: Duration = secs(2);
/// How long a child may stand still.
const STOPPED: Duration = secs(1);

impl Books {
    pub(super) fn retires(&mut self, ticket: Ticket) -> Check {
        let record = self.find(ticket)?;
        ensure(record.pid.is_some(), "retires who has not said hello")?;
        ensure(
            record.retired_at.is_none() && !record.killed,
            "retires it twice",
        )?;
        let now = self.patience;
        self.sent_away.insert(ticket);
        let failed = self.refork.is_some_and(|refork| refork.mold == ticket);
        self.note(ticket, |record| {
            (record.retired_at, record.failed) = (Some(now), failed);
        });
        Ok(())
    }

    pub(super) fn forgets(&mut self, ticket: Ticket) -> Check {
        let record = self.records.remove(&ticket).ok_or("forgets a stranger")?;
        self.refork = self.refork.filter(|refork| refork.mold != ticket);
        self.shed |= record.version < self.version;
        let waited = record.asked_at + self.settings[&1].spawn_timeout <= self.patience;
        if record.pid.is_none() && waited {
            self.barren.extend(record.parent);
        }
        if let (Role::Worker, Some(pid)) = (record.role, record.pid) {
            self.buried.insert((record.seat.nr, pid));
        }
        Ok(())
    }

    /// The request is late by the row, whatever the clock has done.
    pub(super) fn interrupts(&mut self, ticket: Ticket, kernel: &Kernel) -> Check {
        self.find(ticket)?;
        ensure(
            kernel.is_late(ticket, Duration::ZERO),
            "interrupts who is not late",
        )
    }

    pub(super) fn times_out(&mut self, pid: u32, kernel: &Kernel) -> Check {
        let mut records = self.records.values();
        let record = records.find(|record| record.role == Role::Worker && record.pid == Some(pid));
        let ticket = record.ok_or("a stranger's request is late")?.seat.ticket;
        let cleanup = self.settings[&1].cleanup;
        self.timed_out.insert(ticket);
        ensure(
            kernel.is_late(ticket, cleanup),
            "a hard timeout before its time",
        )
    }

    /// Nobody is killed without a reason that the log names and that is true, and no leap of the clock is one.
    pub(super) fn kills(&mut self, ticket: Ticket) -> Check {
        let record = self.find(ticket)?;
        let pid = record.pid.ok_or("kills who has not said hello")?;
        let reason = (self.said.iter())
            .filter_map(|line| line.split_once(&format!("pid={pid} ")))
            .map(|(_, reason)| reason)
            .find(|reason| reason.ends_with(": killed"));
        match reason {
            Some(reason) => ensure(self.is_true(reason, record), &format!("not true: {reason}"))?,
            // At an immediate stop, or before it had anything to finish.
            None => {
                let unready = record.ready_at.is_none()
                    && self
                        .said
                        .iter()
                        .any(|line| line.contains(" failed: ") || line.contains(" superseded "));
                ensure(
                    self.stopping || unready,
                    "kills without a reason in the log",
                )?;
            }
        }
        self.note(ticket, |record| record.killed = true);
        Ok(())
    }

    fn is_true(&self, reason: &str, record: &Record) -> bool {
        let settings = &self.settings[&1];
        let waited = |since: Option<Duration>, time: Duration| {
            since.is_some_and(|since| since + time <= self.patience)
        };
        let unreachable = waited(record.closed_at, UNREACHABLE);
        let says = |what: &str| reason.starts_with(what);
        if says("was not ready in time") {
            let began = match record.role {
                Role::Mold => record.said_hello_at,
                Role::Worker | Role::Service => record.asked_at,
            };
            waited(Some(began), settings.spawn_timeout) || unreachable
        } else if says("did not retire in time") {
            waited(record.retired_at, settings.retire_timeout) || unreachable
        } else if says("did not fork in") {
            self.barren.contains(&record.seat.ticket)
        } else if says("closed its channel and stayed") {
            unreachable
        } else if says("was stopped by a signal") {
            waited(record.stopped_at, STOPPED)
        } else {
            says("has been at a request") && self.timed_out.contains(&record.seat.ticket)
        }
    }
}

//! The deadline of the request that a worker serves. It is in the worker's row, where the master looks at it.

use magnus::{Error, Ruby, typed_data::Obj};
use pitchfork_core::wire::Report;

use super::WorkerPort;
use crate::ruby::client::Client;
use crate::sys::clock::nanoseconds;

impl WorkerPort {
    pub(super) fn begin(rb_self: Obj<Self>, client: Obj<Client>) {
        let now = nanoseconds();
        rb_self
            .row()
            .begin(now, now.saturating_add(rb_self.timeout));
        rb_self.who.request(rb_self.row(), now);
        client.assign(rb_self, now);
    }

    /// Of the request that began at `since`. `None`: it is complete. All are nanoseconds of CLOCK_MONOTONIC.
    pub fn deadline(&self, since: u64) -> Option<u64> {
        let row = self.row();
        (row.busy_since() == since).then(|| row.deadline())
    }

    /// Moves the deadline of the request that began at `since`, unless it is complete.
    pub fn set_deadline(&self, ruby: &Ruby, since: u64, deadline: u64) -> Result<(), Error> {
        if let Some(before) = self.deadline(since) {
            self.row().set_deadline(deadline);
            // The master looks again when the old one has passed, which may be too late.
            if deadline < before {
                self.with(ruby, |inner| inner.link.report(ruby, Report::Deadline))?;
            }
        }
        Ok(())
    }

    /// From a trap: how long the request that began at `since` has taken, if its deadline has passed. Then it is this
    /// process's last one, and the row stays as it is, so that the master does not lose sight of it.
    pub fn overdue(&self, since: u64) -> Option<u64> {
        let now = nanoseconds();
        self.deadline(since).filter(|deadline| *deadline <= now)?;
        self.is_overdue.set(true);
        self.leaving.set(true);
        Some(now - since)
    }
}

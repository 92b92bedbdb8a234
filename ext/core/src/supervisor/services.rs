//! Are the service workers there?

use std::time::Duration;

use super::{Process, Role, Supervisor};
use crate::policy::Backoff;
use crate::wire::Ticket;

impl Supervisor {
    /// Forks each service worker that is missing, and retires those that nobody wants any more. There are never two of one
    /// name, not even for a moment: a scheduler must not run twice. So the old one goes before the new one comes.
    pub(super) fn keep_services(&mut self, now: Duration) {
        let wanted = self.settings.services.len();
        let is_wanted = |p: &Process| {
            let name = self.settings.services.get(p.seat.nr as usize);
            name.is_some() && name == p.name.as_ref()
        };
        let surplus: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.role == Role::Service && p.is_live() && !is_wanted(p))
            .map(Process::ticket)
            .collect();
        for ticket in surplus {
            self.retire(now, ticket);
        }
        for nr in 0..u32::try_from(wanted).unwrap_or(0) {
            // A hot restart may have given the name another number.
            let name = self.settings.services.get(nr as usize);
            let held = (self.processes.iter())
                .filter(|p| p.role == Role::Service)
                .any(|p| p.seat.nr == nr || p.name.as_ref() == name);
            let backoff = self.service_backoffs.get(&nr);
            let permitted = backoff.is_none_or(|backoff| backoff.permits(now));
            if !held && permitted && !self.fork(now, Role::Service, nr) {
                return;
            }
        }
    }

    /// A service worker failed before it was ready, or soon after. The others do not wait for its sake.
    pub(super) fn service_failed(&mut self, now: Duration, nr: u32) {
        const fn ms(millis: u64) -> Duration {
            Duration::from_millis(millis)
        }
        let first = || Backoff::new(ms(100), ms(500), ms(30_000));
        self.service_backoffs
            .entry(nr)
            .or_insert_with(first)
            .fail(now);
    }

    /// The rollout's turn has come to the service workers of older generations.
    pub(super) fn renew_services(&mut self, now: Duration, generation: u32) {
        let older: Vec<Ticket> = (self.processes.iter())
            .filter(|p| p.role == Role::Service && p.is_live() && p.generation() != generation)
            .map(Process::ticket)
            .collect();
        for ticket in older {
            self.retire(now, ticket);
        }
    }
}

//! How much memory do workers have, and what follows from that?

use std::time::Duration;

use super::process::{Memory, Wear};
use super::{Level, Process, Refork, Supervisor, seconds};
use crate::policy::{Advice, Backoff, Excess, Look, Mib, Usage};
use crate::wire::Ticket;

/// A worker that is over its limit sooner than this after it was ready is perhaps not to blame: the next one will be, too.
const YOUNG: Duration = Backoff::QUIET;

impl Supervisor {
    /// Whether any policy needs to know what memory workers have.
    pub fn weighs(&self) -> bool {
        let wanted = self.sharing.is_some() || self.settings.memory_limit.is_some();
        wanted && self.memory_readable && !self.is_stopping()
    }

    /// Whose memory is to be measured next, and its pid: the one whose turn is the longest ago. One more should be measured
    /// when it is ready, before it serves: what it has then is its own, and no loss of sharing.
    pub fn next_to_weigh(&self) -> Option<(Ticket, u32)> {
        let workers = (self.processes.iter()).filter(|p| p.is_ready_worker() && p.is_well());
        let next = workers.min_by_key(|p| p.memory.map(|memory| memory.turn))?;
        Some((next.ticket(), next.pid?))
    }

    /// Notes the memory of a worker. What follows from it is decided in the next [`step`](Self::step).
    pub fn observe_memory(&mut self, ticket: Ticket, usage: Usage) {
        self.turns += 1;
        let turn = self.turns;
        if let Some(process) = self.find_mut(ticket) {
            let first = process.memory.map_or(usage, |memory| memory.first);
            process.memory = Some(Memory {
                first,
                last: usage,
                requests: process.requests,
                turn,
            });
            self.weighed.push(ticket);
        }
    }

    /// The memory of workers can't be read, for this reason: what needs it is switched off, until all processes are others.
    pub fn memory_unreadable(&mut self, why: &str) {
        if std::mem::replace(&mut self.memory_readable, false) {
            let text = format!(
                "the memory of workers can't be measured: {why}; refork_when :sharing and worker_memory_limit are off"
            );
            self.log(Level::Warn, text);
        }
    }

    /// Looks at those that were measured just now.
    pub(super) fn weigh(&mut self, now: Duration) {
        let weighed = std::mem::take(&mut self.weighed);
        for ticket in &weighed {
            self.limit(now, *ticket);
        }
        self.looks = !weighed.is_empty();
    }

    /// Whether a worker has been seen with more memory than it may have.
    pub(super) fn is_over_limit(&self, process: &Process) -> bool {
        let limit = self.settings_of(process.version).memory_limit;
        let known = limit.zip(process.memory);
        (known.filter(|_| process.is_ready_worker()))
            .is_some_and(|(limit, memory)| limit.excess(memory.last) != Excess::None)
    }

    /// Replaces a worker that has too much memory.
    fn limit(&mut self, now: Duration, ticket: Ticket) {
        let Some(process) = self.find(ticket).filter(|p| p.is_ready_worker()) else {
            return;
        };
        let settings = self.settings_of(process.version);
        let (Some(limit), Some(memory)) = (settings.memory_limit, process.memory) else {
            return;
        };
        // Who is asked to become a mold answers first, and is replaced in any case.
        let asked = |p: &Process| p.pid.is_none() && p.parent == Some(ticket);
        let hard = limit.excess(memory.last) == Excess::Hard
            && !self.processes.iter().any(asked)
            && process.is_well();
        let (worn, known) = (process.wear.is_some(), process.wear == Some(Wear::Large));
        let waits = !known && !self.limit_backoff.permits(now);
        if limit.excess(memory.last) == Excess::None || (worn && !hard) || waits {
            return;
        }
        let (most, word) = match limit.hard {
            Some(most) if hard => (most, "worker_memory_limit hard"),
            _ => (limit.soft, "worker_memory_limit"),
        };
        let has = Mib::from(limit.measure.of(memory.last));
        let (name, most) = (limit.measure.name(), Mib::from(most));
        let what = if hard {
            "retiring it at once"
        } else {
            "replacing it"
        };
        let age = now.saturating_sub(process.since);
        let young = age < YOUNG || limit.excess(memory.first) != Excess::None;
        let text = format!("{process} has {has} of {name}, over {most} ({word}): {what}");
        let generation = process.generation();
        self.log(if hard { Level::Warn } else { Level::Info }, text);
        if !known {
            self.counters.memory_retirements += 1;
            if young {
                self.limit_may_be_low(now, generation, age);
            }
        }
        if hard {
            self.retire(now, ticket);
        } else if let Some(process) = self.find_mut(ticket) {
            process.wear = Some(Wear::Large);
        }
    }

    /// Replacing workers that are over the limit as soon as they serve would never end. Once may be chance.
    fn limit_may_be_low(&mut self, now: Duration, generation: u32, age: Duration) {
        let wait = self.limit_backoff.fail(now);
        if !wait.is_zero() && self.limit_told.replace(generation) != Some(generation) {
            let (age, wait) = (seconds(age), seconds(wait));
            let text = format!(
                "worker_memory_limit is too low for gen={generation}: over it {age} after it was ready; the next replacement waits {wait}"
            );
            self.log(Level::Warn, text);
        }
    }

    /// Whether `refork_when :sharing` wants a refork. Asked once for each measurement.
    pub(super) fn sharing_pays(&mut self, now: Duration) -> bool {
        if !std::mem::take(&mut self.looks) {
            return false;
        }
        let Some(look) = self.look() else {
            return false;
        };
        let advice = (self.sharing.as_mut()).and_then(|sharing| sharing.look(now, look));
        match advice {
            Some(Advice::Refork(why)) => {
                self.log(Level::Info, format!("refork: {why}"));
                self.counters.sharing_reforks += 1;
                true
            }
            Some(Advice::Keep(why)) => {
                self.log(Level::Info, format!("no refork: {why}"));
                false
            }
            None => false,
        }
    }

    /// What the workers are like, if all of them were measured.
    fn look(&self) -> Option<Look> {
        let workers = self.processes.iter().filter(|p| p.is_ready_worker());
        let measured: Option<Vec<Memory>> = workers.map(|p| p.memory).collect();
        let measured = measured.filter(|all| !all.is_empty() && self.refork == Refork::Idle)?;
        let count = measured.len() as f64;
        let requests: u64 = measured.iter().map(|memory| memory.requests).sum();
        let growth: u64 = measured.iter().map(Memory::growth).sum();
        Some(Look {
            workers: u32::try_from(measured.len()).unwrap_or(u32::MAX),
            requests: requests as f64 / count,
            growth: growth as f64 / count,
            pss: measured.iter().map(|memory| memory.last.pss).sum(),
            next: self.next_generation(),
        })
    }
}

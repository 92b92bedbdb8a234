//! How many there are of what.

use std::collections::BTreeSet;

use pitchfork_core::supervisor::{Process, Refork, Role, State, Supervisor};
use pitchfork_core::wire::Ticket;

use super::{Books, Check, ensure};

impl Books {
    pub(super) fn check_numbers(&self, supervisor: &Supervisor) -> Check {
        let processes = supervisor.processes();
        let (mut numbers, mut services) = (BTreeSet::new(), BTreeSet::new());
        // One too many may stay until it has answered whether it becomes a mold.
        let is_asked = |worker: Ticket| {
            (processes.iter()).any(|p| p.pid.is_none() && p.parent == Some(worker))
        };
        for process in processes {
            let nr = process.seat.nr;
            if process.is_ready_worker() {
                ensure(numbers.insert(nr), "two ready workers of one number")?;
                let wished = nr < supervisor.wished_workers() || is_asked(process.ticket());
                ensure(wished, "a ready worker beyond the wished number")?;
            }
            if process.role == Role::Service {
                ensure(
                    services.insert(&process.name),
                    "two service workers of one name",
                )?;
            }
        }
        let emptied = !self.emptied || supervisor.wished_workers() == 0;
        ensure(emptied, "workers come back that the operator has sent away")
    }

    /// Nothing fails in this run: then there are always as many ready workers as were promised.
    pub(super) fn check_capacity(&mut self, supervisor: &Supervisor) -> Check {
        let (ready, wished) = (supervisor.ready_workers(), supervisor.wished_workers());
        let settings = &self.settings[&self.version];
        let idle = supervisor.refork() == Refork::Idle;
        let whole = idle && !settings.removes_first() && !self.cramped;
        let lent = if whole { 0 } else { settings.budget(wished) };
        // Until all are back, what was promised for fewer workers, or lent for more of them, counts on.
        (self.floor, self.lent) = if ready >= wished {
            (wished, lent)
        } else {
            (self.floor.min(wished), self.lent.max(lent))
        };
        if !self.expects_capacity {
            return Ok(());
        }
        let least = self.floor.saturating_sub(self.lent);
        let enough = ready >= least;
        ensure(
            enough,
            &format!("{ready} ready workers, {least} were promised"),
        )?;
        let killed = |p: &Process| p.killed && p.state != State::Retiring;
        let killed = supervisor.processes().iter().any(killed);
        ensure(!killed, "killed although nothing failed")
    }
}

//! Measuring the workers' memory for the supervisor: one at a time, and seldom enough.

use nix::errno::Errno;
use pitchfork_core::policy::{Pace, Usage};
use pitchfork_core::supervisor::{Event, Role, Supervisor};
use pitchfork_core::wire::Ticket;

use crate::sys::clock::{monotonic, processor_time};
use crate::sys::memory::rollup;

/// Measures, where a policy of the supervisor asks for it.
#[derive(Default)]
pub struct Scales {
    pace: Pace,
}

impl Scales {
    /// Those that have just become ready, before they serve; and else one, if it is time.
    pub fn weigh<'e>(
        &mut self,
        supervisor: &mut Supervisor,
        events: impl Iterator<Item = &'e Event> + Clone,
    ) {
        if !supervisor.weighs() {
            return;
        }
        for event in events.clone() {
            let Event::Ready { ticket } = event else {
                continue;
            };
            let mut workers = (supervisor.processes().iter()).filter(|p| p.role == Role::Worker);
            let Some(worker) = workers.find(|p| p.ticket() == *ticket) else {
                continue;
            };
            // It may have said hello just now, too, which nobody has told the supervisor yet.
            let hello = |event: &Event| match event {
                Event::Hello { ticket, pid } if *ticket == worker.ticket() => Some(*pid),
                _ => None,
            };
            let pid = worker.pid.or_else(|| events.clone().find_map(hello));
            if let Some(pid) = pid {
                weigh(supervisor, *ticket, pid);
            }
        }
        if !self.pace.permits(monotonic()) {
            return;
        }
        if let Some((ticket, pid)) = supervisor.next_to_weigh() {
            // Not by the clock: a machine that is busy is no reason to notice less.
            let began = processor_time();
            weigh(supervisor, ticket, pid);
            let cost = processor_time().saturating_sub(began);
            self.pace.took(monotonic(), cost);
        }
    }
}

fn weigh(supervisor: &mut Supervisor, ticket: Ticket, pid: u32) {
    match rollup(pid) {
        Ok(rollup) => {
            let (private, pss) = (rollup.private(), rollup.pss);
            supervisor.observe_memory(ticket, Usage { private, pss });
        }
        Err(Errno::ESRCH) => {} // it has just ended
        Err(Errno::ENOENT) if rollup(std::process::id()).is_ok() => {}
        Err(Errno::ENOENT) => {
            supervisor.memory_unreadable("this kernel has no /proc/PID/smaps_rollup (Linux 4.14)");
        }
        Err(errno) => {
            supervisor.memory_unreadable(&format!("/proc/{pid}/smaps_rollup: {}", errno.desc()));
        }
    }
}

//! The memory of virtual workers, and policies that decide by it.

use pitchfork_core::policy::{Measure, MemoryLimit, Usage};
use pitchfork_core::supervisor::{Event, Settings};
use pitchfork_core::wire::Ticket;

use crate::dice::Dice;
use crate::kernel::Kernel;
use crate::plan::Life;
use crate::secs;
use crate::world::World;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// So many requests warm a worker up.
const WARM: u64 = 500;

/// Switches the policies on in most lives. `dice` are others than the life's own, which so stays the same but for this.
pub fn decide_by_memory(dice: &mut Dice, settings: &mut Settings, life: Life) {
    settings.sharing_interval = dice.percent(70).then(|| secs(dice.between(1, 120)));
    let soft = dice.between(4, 100) * MIB;
    let hard = (life != Life::Calm && dice.one_in(2)).then(|| soft + dice.between(1, 50) * MIB);
    let measure = dice.pick(&[Measure::Private, Measure::Pss]);
    settings.memory_limit = dice.percent(60).then_some(MemoryLimit {
        measure,
        soft,
        hard,
    });
}

impl Kernel {
    /// What a worker has un-shared by serving: it gets warm, and one in five leaks. Earlier generations leave less to do.
    fn usage(&self, ticket: Ticket) -> Option<Usage> {
        let process = self.alive(self.owner(ticket)?)?;
        let requests = process.work.map_or(0, |work| work.requests(self.now));
        let each = 64 * KIB / (1 + u64::from(process.seat.generation % 5));
        let leak = if ticket.0 % 5 == 0 { 16 * KIB } else { 0 };
        let private = MIB + requests.min(WARM) * each + requests * leak;
        Some(Usage {
            private,
            pss: private + 10 * MIB,
        })
    }
}

impl World {
    /// As the shell does: whoever is ready now, and one more.
    pub fn weigh(&mut self, event: &Event) {
        if !self.supervisor.weighs() {
            return;
        }
        let ready = match event {
            Event::Ready { ticket } => Some(*ticket),
            _ => None,
        };
        let next = self.supervisor.next_to_weigh().map(|(ticket, _)| ticket);
        for ticket in [ready, next].into_iter().flatten() {
            match self.kernel.usage(ticket) {
                // Somebody makes a process that nobody else may look at.
                Some(_) if ticket.0 % 999 == 0 => self.supervisor.memory_unreadable("EACCES"),
                Some(usage) => self.supervisor.observe_memory(ticket, usage),
                None => {}
            }
        }
    }
}

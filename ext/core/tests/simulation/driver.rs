//! Lives of servers, one per seed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::dice::Dice;
use crate::ending;
use crate::fault::Tally;
use crate::memory;
use crate::plan::{self, Life};
use crate::world::World;

/// What many lives have shown.
#[derive(Default)]
pub struct Findings {
    pub seeds: u64,
    pub events: u64,
    pub tally: Tally,
    /// Whether there are policies that decide by memory. Lives without them are as they were before there were any.
    by_memory: bool,
}

/// A life in which something was not as it must be.
pub struct Failure {
    pub seed: u64,
    pub life: Life,
    pub fault: String,
    pub events: u64,
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            seed,
            life,
            fault,
            events,
            story,
        } = self;
        write!(
            f,
            "{story}\nseed {seed} ({life:?}), event {events}: {fault}\nonce more: rake simulate seed={seed}"
        )
    }
}

impl Findings {
    /// Of lives in which memory counts.
    pub fn by_memory() -> Findings {
        Findings {
            by_memory: true,
            ..Findings::default()
        }
    }

    /// Lives one life.
    pub fn add(&mut self, seed: u64) -> Result<(), Box<Failure>> {
        let mut dice = Dice::new(seed);
        let life = Life::random(&mut dice);
        let mut settings = plan::settings(&mut dice, life);
        if self.by_memory {
            memory::decide_by_memory(&mut Dice::new(!seed), &mut settings, life);
        }
        let mut world = World::new(settings, dice);
        let lived = catch_unwind(AssertUnwindSafe(|| {
            plan::live(&mut world, life);
            ending::end(&mut world, life);
        }));
        self.seeds += 1;
        self.events += world.events;
        self.tally.add(&world.kernel.tally);
        let counters = world.supervisor.counters();
        self.tally.count_many("~ rollouts", counters.rollouts);
        self.tally
            .count_many("~ failed reforks", counters.failed_reforks);
        self.tally.count_many("~ hot restarts", counters.restarts);
        self.tally
            .count_many("~ failed hot restarts", counters.failed_restarts);
        self.tally
            .count_many("~ lost workers", counters.lost_workers);
        self.tally.count_many("~ lost molds", counters.lost_molds);
        self.tally
            .count_many("~ soft timeouts", counters.soft_timeouts);
        self.tally
            .count_many("~ hard timeouts", counters.hard_timeouts);
        self.tally
            .count_many("~ memory retirements", counters.memory_retirements);
        self.tally
            .count_many("~ reforks for sharing", counters.sharing_reforks);
        lived.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let fault = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            let (events, story) = (world.events, world.story());
            let fault = fault.unwrap_or_default();
            Box::new(Failure {
                seed,
                life,
                fault,
                events,
                story,
            })
        })
    }
}

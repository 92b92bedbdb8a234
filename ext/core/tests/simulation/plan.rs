//! What operators, clients and bad luck do, all of it from one seed.

use std::time::Duration;

use pitchfork_core::policy::{Limits, ReforkAfter};
use pitchfork_core::supervisor::{Event, Promotion, Role, Settings};

use crate::dice::Dice;
use crate::fault::{Fault, Rates};
use crate::kernel::BadCode;
use crate::world::World;
use crate::{ms, secs};

/// What kind of life a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Everything fails, now and then or all the time.
    Rough,
    /// The same, on a kernel that adopts no orphans.
    Orphaned,
    /// Nothing fails: no worker may be missing.
    Calm,
    /// One thing fails every time: it must not spin.
    Hopeless,
    /// The end comes at any moment, even while the app boots.
    Short,
}

impl Life {
    const ALL: [Life; 8] = [
        Life::Rough,
        Life::Rough,
        Life::Rough,
        Life::Rough,
        Life::Orphaned,
        Life::Calm,
        Life::Hopeless,
        Life::Short,
    ];

    pub fn random(dice: &mut Dice) -> Life {
        dice.pick(&Life::ALL)
    }
}

pub fn settings(dice: &mut Dice, life: Life) -> Settings {
    let workers = match dice.below(200) {
        0 => dice.between(100, 1000),
        1..10 => dice.between(8, 60),
        _ => dice.between(1, 7),
    };
    let promotion = dice.pick(&[Promotion::Auto, Promotion::InPlace, Promotion::Fork]);
    let calm = life == Life::Calm;
    let mut settings = Settings {
        workers: workers as u32,
        services: Vec::new(),
        refork_after: refork_after(dice),
        sharing_interval: None,
        max_unavailable: None,
        promotion,
        // Not by the dice: the recorded seeds would tell other lives.
        first_worker_leads: workers % 4 == 3,
        spawn_timeout: secs(if calm { 60 } else { dice.between(4, 15) }),
        retire_timeout: secs(if calm { 60 } else { dice.between(1, 30) }),
        cleanup: secs(dice.between(1, 4)),
        canary_requests: 0,
        canary_time: Duration::ZERO,
        limits: Limits::default(),
        memory_limit: None,
        max_consecutive_spawn_errors: None,
        adopts: life != Life::Orphaned,
    };
    vary(dice, &mut settings);
    settings
}

/// What a new version may do otherwise.
fn vary(dice: &mut Dice, settings: &mut Settings) {
    let names = ["cron", "queue", "mail"].map(Into::into);
    let first = dice.below(3) as usize;
    let count = dice.pick(&[0, 0, 1, 2]).min(3 - first);
    settings.services = names[first..first + count].to_vec();
    settings.max_unavailable = dice.pick(&[None, None, Some(0), Some(1), Some(3)]);
    if settings.promotion == Promotion::InPlace && settings.budget(settings.workers) == 0 {
        // Who insists on promotion in place lends one worker to it.
        settings.max_unavailable = None;
    }
    settings.canary_requests = dice.pick(&[0, 1, 10, 500]);
    settings.canary_time = ms(dice.below(8_000));
    let limited = dice.one_in(3);
    // Few are replaced at once, so many workers live longer, or somebody is on the way for ever.
    let pace = secs(1 + u64::from(settings.workers) / 5);
    settings.limits = Limits {
        requests: (limited && dice.one_in(2)).then(|| dice.between(200, 5_000)),
        lifetime: (limited && dice.one_in(2)).then(|| pace * dice.between(20, 600) as u32),
        jitter: dice.pick(&[0.0, 0.1, 1.0]),
        seed: dice.below(1_000),
    };
}

fn refork_after(dice: &mut Dice) -> ReforkAfter {
    let first = dice.between(1, 2_000);
    match dice.below(3) {
        0 => ReforkAfter::default(),
        1 => ReforkAfter::new(vec![first, 2 * first], false),
        _ => ReforkAfter::new(vec![first, 3 * first], true),
    }
}

/// A server lives and ends.
pub fn live(world: &mut World, life: Life) {
    world.tell(Event::Start);
    match life {
        Life::Short => {
            world.kernel.rates = Rates::random(&mut world.kernel.dice);
            for _ in 0..world.kernel.dice.below(12) {
                world.pause();
                world.meddle(life);
            }
            return;
        }
        // An app that does not boot is another story.
        _ => world.run_for(secs(5)),
    }
    match life {
        Life::Calm => world.books.expects_capacity = true,
        Life::Hopeless => return hopeless(world),
        _ => world.kernel.rates = Rates::random(&mut world.kernel.dice),
    }
    // Where everything fails all the time, little is to be learnt from more of it.
    let events = 20 * u64::from(world.kernel.settings.workers) + 4_000;
    for _ in 0..world.kernel.dice.between(1, 300) {
        if world.events < events {
            world.pause();
            world.meddle(life);
        }
    }
}

/// However much fails: it tries again and again, but ever more slowly.
fn hopeless(world: &mut World) {
    const MINUTES: u64 = 10;
    let always = [
        Fault::Stillborn,
        Fault::DiesYoung,
        Fault::DiesAtWork,
        Fault::Leaves,
        Fault::ForkFails,
        Fault::Unreachable,
    ];
    let worst = world.kernel.dice.pick(&always);
    world.kernel.rates = Rates::random(&mut world.kernel.dice);
    world.kernel.rates.set(worst, 100);
    for _ in 0..20 {
        world.crash(None);
    }
    let before = world.attempts;
    for _ in 0..MINUTES {
        world.tell(Event::Refork);
        world.run_for(secs(60));
    }
    let attempts = world.attempts - before;
    // Who dies soon after it was ready comes back once a second, a mold with all its workers; the rest ever more slowly.
    let settings = &world.kernel.settings;
    let kept = u64::from(world.supervisor.wished_workers()) + settings.services.len() as u64 + 1;
    if attempts > kept * 2 * 60 * MINUTES {
        world.fail("it asked for processes again and again, without waiting");
    }
}

impl World {
    fn pause(&mut self) {
        let longest = self.kernel.dice.pick(&[50, 2_000, 60_000]);
        let pause = ms(self.kernel.dice.below(longest));
        self.run_for(pause);
    }

    /// Somebody does something.
    fn meddle(&mut self, life: Life) {
        let fails = life != Life::Calm;
        match self.kernel.dice.below(if fails { 24 } else { 10 }) {
            0..3 => self.tell(Event::Refork),
            3 => self.resize(Event::AddWorker),
            4 => self.resize(Event::RemoveWorker),
            5 => self.restart(None),
            6 => self.leaps(),
            7 => self.room = self.kernel.dice.pick(&[None, Some(0), Some(1), Some(5)]),
            8 | 9 => {}
            10..13 => self.crash(None),
            13 | 14 => self.crash(Some(Role::Mold)),
            15 | 16 => self.stop_somebody(),
            17 => self.resume_all(),
            18 => {
                let time = secs(self.kernel.dice.between(1, 300));
                self.kernel.tally.count("master stopped");
                self.nap(time);
            }
            19 => self.fail_restart(),
            20 => {
                self.kernel.tally.count("HUP twice");
                self.restart(None);
                self.restart(None);
            }
            21 if self.kernel.dice.one_in(4) => self.resize(Event::RemoveWorkers),
            21 => {}
            _ => self.kernel.rates = Rates::random(&mut self.kernel.dice),
        }
    }

    fn resize(&mut self, event: Event) {
        let name = match event {
            Event::AddWorker => "TTIN",
            Event::RemoveWorker => "TTOU",
            _ => "WINCH",
        };
        let least = self.supervisor.wished_workers() < 10;
        if name != "TTIN" || least {
            self.kernel.tally.count(name);
            self.tell(event);
        }
    }

    /// The operator asks for new code.
    fn restart(&mut self, bad: Option<BadCode>) {
        let version = 1 + self.kernel.services.len() as u32;
        let mut settings = self.kernel.settings.clone();
        if self.kernel.dice.percent(50) {
            vary(&mut self.kernel.dice, &mut settings);
        }
        if self.kernel.dice.percent(30) {
            settings.workers = self.kernel.dice.between(1, 9) as u32;
        }
        self.kernel
            .services
            .insert(version, settings.services.clone());
        self.kernel.bad_code.extend(bad.map(|bad| (version, bad)));
        self.kernel
            .tally
            .count(&bad.map_or("HUP".to_string(), |bad| format!("HUP {bad:?}")));
        let settings = Box::new(settings);
        self.tell(Event::Restart { version, settings });
    }

    fn fail_restart(&mut self) {
        let kinds = [
            BadCode::DoesNotBoot,
            BadCode::HangsInBoot,
            BadCode::WorkersHang,
            BadCode::WorkersDieYoung,
            BadCode::WorkersDieAtWork,
            BadCode::MoldDies,
        ];
        let bad = self.kernel.dice.pick(&kinds);
        self.restart(Some(bad));
    }

    fn leaps(&mut self) {
        let longest = self.kernel.dice.pick(&[30, 600, 86_400]);
        let time = secs(1 + self.kernel.dice.below(longest));
        self.kernel.tally.count("clock leap");
        self.leap(time);
    }

    /// As the kernel's OOM killer would.
    fn crash(&mut self, role: Option<Role>) {
        if let Some(id) = self.somebody(role) {
            self.kernel.tally.count("SIGKILL");
            self.kernel.dies(id);
        }
    }

    fn stop_somebody(&mut self) {
        if let Some(id) = self.somebody(None) {
            self.kernel.tally.count("SIGSTOP");
            self.kernel.stop(id);
        }
    }

    fn resume_all(&mut self) {
        let stopped: Vec<u64> = (self.kernel.living())
            .filter(|(_, process)| process.stopped.is_some())
            .map(|(id, _)| id)
            .collect();
        for id in stopped {
            self.kernel.tally.count("SIGCONT");
            self.kernel.resume(id);
        }
    }

    fn somebody(&mut self, role: Option<Role>) -> Option<u64> {
        let living: Vec<u64> = (self.kernel.living())
            .filter(|(_, process)| role.is_none_or(|role| process.role == role))
            .map(|(id, _)| id)
            .collect();
        (!living.is_empty()).then(|| self.kernel.dice.pick(&living))
    }

    /// Whatever stands still goes on, or is ended by an operator.
    pub fn end_troubles(&mut self) {
        self.kernel.rates = Rates::default();
        self.kernel.bad_code.clear();
        self.resume_all();
        self.kernel.end_traffic();
    }
}

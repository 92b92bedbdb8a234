//! Whatever happens, in whatever order: the supervisor keeps its promises, and ends in the wished state.
//!
//! `PROPTEST_CASES=20000 cargo test --release --test supervisor_properties` looks harder.

mod world;

use std::time::Duration;

use proptest::prelude::*;

use pitchfork_core::policy::ReforkAfter;
use pitchfork_core::supervisor::{Event, Promotion, Refork, Settings, State};
use world::{Faults, World, ms, secs};

/// What operators, clients and bad luck do.
#[derive(Clone, Debug)]
enum Deed {
    Refork,
    Add,
    Remove,
    Crash(usize),
    CrashMold(usize),
    Observe(usize, u64),
    Faults(Faults),
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        1_u32..7,
        prop_oneof![
            Just(ReforkAfter::default()),
            (1_u64..200).prop_map(|n| ReforkAfter::new(vec![n, 2 * n], false)),
            (1_u64..200).prop_map(|n| ReforkAfter::new(vec![n, 3 * n], true)),
        ],
        prop::option::of(0_u32..4),
        prop::sample::select(vec![Promotion::Auto, Promotion::InPlace, Promotion::Fork]),
        (4_u64..15, 1_u64..30),
    )
        .prop_map(
            |(workers, refork_after, max_unavailable, promotion, (spawn, retire))| Settings {
                workers,
                refork_after,
                max_unavailable,
                promotion,
                spawn_timeout: secs(spawn),
                retire_timeout: secs(retire),
                max_consecutive_spawn_errors: None,
                adopts: true,
            },
        )
}

fn faults() -> impl Strategy<Value = Faults> {
    let rate = || prop_oneof![3 => Just(0), 2 => 1_u32..15, 1 => 15_u32..100];
    (
        (rate(), rate(), rate(), rate(), rate()),
        (rate(), rate(), rate(), rate()),
    )
        .prop_map(
            |((stillborn, dies_young, dies_at_work, leaves, hangs), others)| Faults {
                stillborn,
                dies_young,
                dies_at_work,
                leaves,
                hangs,
                fork_fails: others.0,
                refuses: others.1,
                unreachable: others.2,
                reaped_early: others.3,
            },
        )
}

/// Operators only.
fn wish() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Refork),
        1 => Just(Deed::Add),
        1 => Just(Deed::Remove),
        1 => (any::<usize>(), 0_u64..5000).prop_map(|(index, n)| Deed::Observe(index, n)),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => wish(),
        2 => any::<usize>().prop_map(Deed::Crash),
        1 => any::<usize>().prop_map(Deed::CrashMold),
        2 => faults().prop_map(Deed::Faults),
    ]
}

fn story(
    deed: impl Strategy<Value = Deed>,
    most: usize,
) -> impl Strategy<Value = Vec<(u64, Deed)>> {
    let pause = prop_oneof![0_u64..50, 0_u64..2_000, 0_u64..60_000];
    prop::collection::vec((pause, deed), 0..most)
}

fn play(world: &mut World, story: Vec<(u64, Deed)>) {
    for (pause, deed) in story {
        world.run_for(ms(pause));
        match deed {
            Deed::Refork => world.tell(Event::Refork),
            Deed::Add if world.supervisor.wished_workers() < 10 => world.tell(Event::AddWorker),
            Deed::Add => {}
            Deed::Remove => world.tell(Event::RemoveWorker),
            Deed::Crash(index) => world.crash(index, false),
            Deed::CrashMold(index) => world.crash(index, true),
            Deed::Observe(index, requests) => world.observe(index, requests),
            Deed::Faults(faults) => world.faults = faults,
        }
    }
}

/// Nothing fails any more and nobody asks for anything: all is soon as it was wished.
fn check_peace(world: &mut World) {
    world.faults = Faults::default();
    world.traffic = false;
    world.end_hung_requests();
    world.settle(secs(7_200));
    let state = &world.supervisor;
    let mut numbers = Vec::new();
    let mut molds = Vec::new();
    for process in state.processes() {
        match process.role {
            pitchfork_core::supervisor::Role::Mold => molds.push(process),
            pitchfork_core::supervisor::Role::Worker => numbers.push(process.seat.nr),
        }
        if process.state != State::Ready {
            world.fail("someone is neither ready nor gone");
        }
        let pid = process.pid;
        let lives = |life: &world::Virtual| Some(life.pid) == pid && life.seat == process.seat;
        if !world.living().any(lives) {
            world.fail("the supervisor believes in a ghost");
        }
    }
    numbers.sort_unstable();
    if numbers != (0..state.wished_workers()).collect::<Vec<_>>() {
        world.fail("not the workers that were wished for");
    }
    if molds.len() != 1 || world.living().count() != numbers.len() + 1 {
        world.fail("not one mold, or processes that nobody knows");
    }
    if state.refork() != Refork::Idle {
        world.fail("a refork without an end");
    }
    let (generation, promoted) = (molds[0].seat.generation, molds[0].parent.is_some());
    let mut workers = state.processes().iter().filter(|p| p.is_ready_worker());
    let refusals = state.processes().iter().any(|p| p.refused);
    if promoted && !refusals && workers.any(|p| p.seat.generation != generation) {
        world.fail("a rollout that was left half done");
    }
}

/// All goes, in time.
fn check_end(world: &mut World, graceful: bool) {
    let began = world.now;
    let limit = world.settings.retire_timeout + secs(15);
    world.tell(Event::Stop {
        graceful,
        signal: "TERM",
    });
    world.run_for(limit);
    if world.exited != Some(0) {
        world.fail(&format!("no exit within {limit:?} of {began:?}"));
    }
}

fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if asked { default.cases } else { 80 },
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..default
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Crashes at any moment, failing forks, refusals, hangs, lost and late messages.
    #[test]
    fn survives_everything(
        settings in settings(), first in faults(), story in story(deed(), 400),
        seed in any::<u64>(), graceful in any::<bool>(),
    ) {
        let mut world = World::new(settings, Faults::default(), seed);
        world.tell(Event::Start);
        world.run_for(secs(5)); // an app that does not boot is another story
        world.faults = first;
        play(&mut world, story);
        check_peace(&mut world);
        check_end(&mut world, graceful);
    }

    /// The end may come at any moment.
    #[test]
    fn stops_at_any_moment(
        settings in settings(), faults in faults(), story in story(deed(), 12),
        seed in any::<u64>(), graceful in any::<bool>(), adopts in any::<bool>(),
    ) {
        let mut world = World::new(Settings { adopts, ..settings }, faults, seed);
        world.tell(Event::Start);
        play(&mut world, story);
        if world.exited.is_none() {
            check_end(&mut world, graceful);
        }
    }

    /// While nothing fails there are never fewer ready workers than promised.
    #[test]
    fn keeps_its_capacity(
        settings in settings(), story in story(wish(), 300), seed in any::<u64>(),
    ) {
        let in_place = settings.promotion == Promotion::InPlace;
        let spawn_timeout = secs(60);
        let none = in_place && settings.budget(settings.workers) == 0;
        // Who insists on promotion in place lends one worker to it.
        let max_unavailable = if none { None } else { settings.max_unavailable };
        let settings = Settings { max_unavailable, spawn_timeout, retire_timeout: secs(60), ..settings };
        let mut world = World::new(settings, Faults::default(), seed);
        world.expect_capacity();
        world.tell(Event::Start);
        play(&mut world, story);
        prop_assert_eq!(world.failures, 0);
        check_peace(&mut world);
        check_end(&mut world, true);
    }

    /// Without a subreaper there is no reforking, and the end of a channel is all the news there is.
    #[test]
    fn lives_without_a_subreaper(
        settings in settings(), first in faults(), story in story(deed(), 200), seed in any::<u64>(),
    ) {
        let mut world = World::new(Settings { adopts: false, ..settings }, Faults::default(), seed);
        world.tell(Event::Start);
        world.run_for(secs(5));
        world.faults = Faults { hangs: 0, ..first };
        play(&mut world, story);
        check_peace(&mut world);
        check_end(&mut world, true);
    }

    /// However much fails: it tries again and again, but it does not spin.
    #[test]
    fn does_not_spin(settings in settings(), faults in faults(), worst in 0_usize..6, seed in any::<u64>()) {
        let mut world = World::new(settings, Faults::default(), seed);
        world.tell(Event::Start);
        world.run_for(secs(5));
        let mut faults = faults;
        let always = [
            &mut faults.stillborn, &mut faults.dies_young, &mut faults.dies_at_work,
            &mut faults.leaves, &mut faults.fork_fails, &mut faults.unreachable,
        ];
        *always.into_iter().nth(worst).expect("six") = 100;
        world.faults = faults;
        for index in 0..20 {
            world.crash(index, false);
        }
        let (before, minutes) = (world.attempts, 10);
        for _ in 0..minutes {
            world.tell(Event::Refork);
            world.run_for(Duration::from_secs(60));
        }
        let attempts = world.attempts - before;
        // A worker that dies after its first second at work is replaced at once; all else waits longer and longer.
        let most = u64::from(world.supervisor.wished_workers() + 1) * 60 * minutes;
        if attempts > most {
            world.fail(&format!("{attempts} processes were asked for in {minutes} minutes"));
        }
    }
}

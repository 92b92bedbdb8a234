//! What the supervisor does with workers that have much memory, told as stories.

mod story;

use pitchfork_core::policy::{Measure, MemoryLimit, Usage};
use pitchfork_core::supervisor::{Event, Settings};
use pitchfork_core::wire::Ticket;
use story::{STOP, Server, secs, settings};

const MIB: u64 = 1 << 20;

fn limited(workers: u32) -> Settings {
    Settings {
        memory_limit: Some(MemoryLimit {
            measure: Measure::Private,
            soft: 100 * MIB,
            hard: Some(200 * MIB),
        }),
        ..settings(workers)
    }
}

fn weighs(server: &mut Server, worker: Ticket, private: u64) {
    let (private, pss) = (private * MIB, (private + 50) * MIB);
    (server.supervisor).observe_memory(worker, Usage { private, pss });
    server.tell(Event::Tick);
}

/// Workers that were ready with one MiB of their own.
fn started(settings: Settings) -> Server {
    let mut server = Server::started(settings);
    for nr in 0..server.supervisor.wished_workers() {
        let worker = server.worker(nr);
        weighs(&mut server, worker, 1);
    }
    server
}

#[test]
fn who_has_too_much_is_replaced_before_it_goes() {
    let mut server = started(limited(2));
    let worker = server.worker(1);
    let pid = server.pid(worker);
    weighs(&mut server, worker, 100);
    assert_eq!(server.spawned(), []);
    weighs(&mut server, worker, 101);
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} has 101.0 MiB of private memory, over 100.0 MiB (worker_memory_limit): replacing it"
    ));
    let fresh = server.spawned();
    assert_eq!((fresh.len(), fresh[0].nr), (1, 1));
    assert_eq!(server.retired(), []);
    server.ready(fresh[0].ticket);
    assert_eq!(server.retired(), [worker]);
    assert_eq!(server.supervisor.counters().memory_retirements, 1);
}

#[test]
fn it_is_said_once() {
    let mut server = started(limited(2));
    let worker = server.worker(0);
    for _ in 0..5 {
        weighs(&mut server, worker, 150);
    }
    assert_eq!(server.log.len(), 1, "{:#?}", server.log);
}

#[test]
fn pss_is_another_measure() {
    let mut server = started(Settings {
        memory_limit: Some(MemoryLimit {
            measure: Measure::Pss,
            soft: 100 * MIB,
            hard: None,
        }),
        ..settings(2)
    });
    let worker = server.worker(0);
    weighs(&mut server, worker, 51);
    server.assert_logged(&format!(
        "worker=0 gen=0 pid={} has 101.0 MiB of PSS, over 100.0 MiB (worker_memory_limit): replacing it",
        server.pid(worker)
    ));
    assert_eq!(server.spawned().len(), 1);
}

#[test]
fn above_the_hard_limit_it_goes_at_once() {
    let mut server = started(limited(2));
    let worker = server.worker(0);
    weighs(&mut server, worker, 201);
    server.assert_logged(&format!(
        "worker=0 gen=0 pid={} has 201.0 MiB of private memory, over 200.0 MiB (worker_memory_limit hard): retiring it at once",
        server.pid(worker)
    ));
    assert_eq!(server.retired(), [worker]);
    assert_eq!(server.spawned().len(), 1, "the replacement is on its way");
}

#[test]
fn who_goes_on_growing_until_its_replacement_comes_goes_at_once() {
    let mut server = started(limited(2));
    let worker = server.worker(0);
    weighs(&mut server, worker, 150);
    assert_eq!((server.spawned().len(), server.retired()), (1, vec![]));
    weighs(&mut server, worker, 250);
    assert_eq!(server.retired(), [worker]);
}

#[test]
fn who_does_not_go_is_killed() {
    let mut server = started(limited(2));
    let worker = server.worker(0);
    let request = server.is_busy(worker, secs(3_600));
    weighs(&mut server, worker, 201);
    let fresh = server.spawned()[0].ticket;
    server.ready(fresh);
    server.is_at(worker, request);
    server.wait(secs(22));
    assert_eq!(server.killed(), [worker]);
}

#[test]
fn without_memory_for_both_it_goes_first() {
    let mut server = started(limited(2));
    server.supervisor.observe_room(Some(0));
    let worker = server.worker(0);
    weighs(&mut server, worker, 150);
    assert_eq!((server.retired(), server.spawned()), (vec![worker], vec![]));
}

/// The mold is as large as that: its workers are over the limit before they have served anything.
#[test]
fn a_limit_that_is_too_low_does_not_replace_for_ever() {
    for (private, word) in [(150, "replacing it"), (500, "retiring it at once")] {
        let mut server = started(limited(2));
        let began = server.now;
        let mut replaced = 0;
        while server.now < began + secs(4 * 3_600) {
            for nr in 0..2 {
                let worker = server.worker(nr);
                weighs(&mut server, worker, private);
                replaced += server.spawned_and_settled();
            }
            server.wait(secs(1));
        }
        assert!((2..35).contains(&replaced), "{replaced} in four hours");
        let said = |words: &str| {
            server
                .log
                .iter()
                .filter(|line| line.contains(words))
                .count()
        };
        assert_eq!(said("is too low for gen=0"), 1);
        assert!(said(word) >= 2);
    }
}

#[test]
fn an_old_leak_is_not_the_limits_fault() {
    let mut server = started(limited(1));
    for _ in 0..5 {
        server.wait(secs(600));
        let worker = server.worker(0);
        weighs(&mut server, worker, 101);
        assert_eq!(server.spawned_and_settled(), 1);
        let fresh = server.worker(0);
        weighs(&mut server, fresh, 1);
    }
    assert!(!server.log.iter().any(|line| line.contains("too low")));
}

/// The number of the worker that is promoted, of those with so many requests and so many MiB of their own.
fn promoted_of(workers: [(u64, u64); 3]) -> Option<u32> {
    let mut server = started(settings(3));
    for (nr, (requests, private)) in (0..).zip(workers) {
        let worker = server.worker(nr);
        server.serves(worker, requests);
        weighs(&mut server, worker, private);
    }
    server.tell(Event::Refork);
    let worker = server.promoted().worker;
    (0..3).find(|nr| server.worker(*nr) == worker)
}

#[test]
fn who_leaks_is_not_promoted() {
    assert_eq!(promoted_of([(900, 90), (1_000, 160), (700, 85)]), Some(0));
}

#[test]
fn who_has_served_most_may_have_written_most() {
    assert_eq!(promoted_of([(9_000, 160), (100, 30), (1, 2)]), Some(0));
}

#[test]
fn who_is_to_be_replaced_for_its_size_is_not_promoted() {
    let mut server = started(limited(2));
    let worker = server.worker(0);
    server.serves(worker, 1_000);
    weighs(&mut server, worker, 150);
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(1));
}

#[test]
fn one_after_the_other_is_measured() {
    let mut server = Server::started(limited(3));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (ticket, pid) = server.supervisor.next_to_weigh().expect("a worker");
        assert_eq!(pid, server.pid(ticket));
        weighs(&mut server, ticket, 1);
        seen.push(ticket);
    }
    assert_eq!(seen[..3], seen[3..]);
    assert_eq!(seen[..3], [0, 1, 2].map(|nr| server.worker(nr)));
}

#[test]
fn nobody_is_measured_for_nothing() {
    assert!(!Server::started(settings(2)).supervisor.weighs());
    let mut server = Server::started(limited(2));
    assert!(server.supervisor.weighs());
    server.tell(STOP);
    assert!(!server.supervisor.weighs());
}

#[test]
fn what_can_not_be_measured_is_said_once() {
    let mut server = Server::started(limited(2));
    for _ in 0..3 {
        server.supervisor.memory_unreadable("Permission denied");
        server.tell(Event::Tick);
    }
    assert_eq!(
        server.log,
        [
            "the memory of workers can't be measured: Permission denied; refork_when :sharing and worker_memory_limit are off"
        ]
    );
    assert!(!server.supervisor.weighs());
}

/// The operator has mended what kept the memory from being read, and sends HUP.
#[test]
fn after_a_rollout_it_is_measured_again() {
    let mut server = Server::started(limited(2));
    server.supervisor.memory_unreadable("Permission denied");
    let mold = server.restart(2, limited(2));
    server.ready(mold);
    let canary = server.spawned()[0].ticket;
    server.ready(canary);
    assert!(!server.supervisor.weighs(), "an old worker is still there");
    server.settle();
    assert_eq!(server.generations(), [1, 1]);
    assert!(server.supervisor.weighs());
    let worker = server.worker(1);
    weighs(&mut server, worker, 150);
    assert_eq!(server.spawned().len(), 1, "the limit holds again");
}

#[test]
fn what_was_not_mended_is_said_again() {
    let mut server = Server::started(limited(2));
    for _ in 0..2 {
        server.supervisor.memory_unreadable("Permission denied");
        server.tell(Event::Refork);
        let asked = server.promoted();
        server.becomes(asked);
        server.settle();
    }
    server.supervisor.memory_unreadable("Permission denied");
    server.tell(Event::Tick);
    let warnings = (server.log.iter()).filter(|line| line.contains("can't be measured"));
    assert_eq!(warnings.count(), 3);
}

//! What the supervisor does with workers that have served enough, told as stories.

mod story;

use pitchfork_core::policy::Limits;
use pitchfork_core::supervisor::{Action, Event, Settings};
use story::{Server, secs, settings};

fn limited(workers: u32, limits: Limits) -> Settings {
    Settings {
        limits,
        ..settings(workers)
    }
}

fn requests(most: u64) -> Limits {
    Limits {
        requests: Some(most),
        ..Limits::default()
    }
}

#[test]
fn a_worker_that_has_served_enough_is_replaced_before_it_goes() {
    let mut server = Server::started(limited(2, requests(1_000)));
    let worker = server.worker(1);
    let pid = server.pid(worker);
    server.tell(Event::Milestone {
        ticket: worker,
        requests: 1_000,
    });
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} has served 1000 requests (max_requests): replacing it"
    ));
    let fresh = server.spawned();
    assert_eq!((fresh.len(), fresh[0].nr), (1, 1));
    assert_eq!(server.retired(), []);
    server.ready(fresh[0].ticket);
    assert_eq!(server.retired(), [worker]);
    assert_eq!(server.supervisor.ready_workers(), 2);
}

#[test]
fn a_worker_tells_when_it_has_served_enough() {
    let mut server = Server::new(limited(1, requests(1_000)));
    server.tell(Event::Start);
    let mold = server.booted();
    server.ready(mold);
    let milestone = server.last.iter().find_map(|action| match action {
        Action::Spawn { milestone, .. } => *milestone,
        _ => None,
    });
    assert_eq!(milestone, Some(1_000));
}

#[test]
fn after_its_lifetime_a_worker_is_replaced() {
    let limits = Limits {
        lifetime: Some(secs(3_600)),
        ..Limits::default()
    };
    let mut server = Server::started(limited(1, limits));
    let worker = server.worker(0);
    server.wait(secs(3_600 - 61));
    assert_eq!(server.spawned(), []);
    server.wait(secs(1));
    let fresh = server.spawned();
    assert_eq!((fresh.len(), server.retired()), (1, vec![]));
    server.ready(fresh[0].ticket);
    assert_eq!(server.retired(), [worker]);
}

#[test]
fn jitter_spreads_the_replacements() {
    let limits = Limits {
        lifetime: Some(secs(1_000)),
        jitter: 0.5,
        seed: 7,
        ..Limits::default()
    };
    let mut server = Server::started(limited(10, limits));
    let mut first = None;
    let mut replaced = 0;
    while replaced < 10 {
        server.wait(secs(1));
        let fresh = server.spawned();
        replaced += fresh.len();
        for seat in fresh {
            server.ready(seat.ticket);
        }
        server.settle();
        first = first.or((replaced > 0).then_some(server.now));
        assert!(server.now < secs(3_000));
    }
    let spread = server.now - first.expect("one was the first");
    assert!(spread > secs(200), "all within {spread:?}");
}

#[test]
fn only_a_few_are_replaced_at_once() {
    let mut server = Server::started(limited(20, requests(10)));
    for nr in 0..20 {
        let ticket = server.worker(nr);
        server.tell(Event::Milestone {
            ticket,
            requests: 10,
        });
    }
    assert_eq!(server.spawned().len(), 2, "a tenth");
}

#[test]
fn where_one_may_be_missing_it_goes_first() {
    let mut server = Server::started(Settings {
        max_unavailable: Some(1),
        ..limited(2, requests(10))
    });
    let worker = server.worker(0);
    server.tell(Event::Milestone {
        ticket: worker,
        requests: 10,
    });
    assert_eq!((server.retired(), server.spawned()), (vec![worker], vec![]));
}

#[test]
fn without_memory_for_both_it_goes_first() {
    let mut server = Server::started(limited(2, requests(10)));
    server.supervisor.observe_room(Some(0));
    let worker = server.worker(0);
    server.tell(Event::Milestone {
        ticket: worker,
        requests: 10,
    });
    assert_eq!((server.retired(), server.spawned()), (vec![worker], vec![]));
}

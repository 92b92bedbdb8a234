//! `refork_when :sharing`, told as stories.

mod story;

use std::time::Duration;

use pitchfork_core::policy::{ReforkAfter, Usage};
use pitchfork_core::supervisor::{Event, Refork, Settings};
use story::{Server, secs, settings};

const MIB: u64 = 1 << 20;

fn sharing(workers: u32) -> Settings {
    Settings {
        sharing_interval: Some(secs(60)),
        ..settings(workers)
    }
}

/// Traffic for so long, of one request a second and worker, or until there is a refork. A worker has one MiB more after each of its
/// first requests.
fn serves(server: &mut Server, seconds: u64, most: u64) {
    for _ in 0..seconds {
        server.wait(secs(1));
        for nr in 0..server.supervisor.wished_workers() {
            let worker = server.worker(nr);
            let processes = server.supervisor.processes();
            let process = processes.iter().find(|p| p.ticket() == worker);
            let requests = process.expect("it is ready").requests + 1;
            server.serves(worker, requests);
            let private = requests.min(most) * MIB;
            let pss = private + 20 * MIB;
            (server.supervisor).observe_memory(worker, Usage { private, pss });
        }
        server.tell(Event::Tick);
        if server.supervisor.refork() != Refork::Idle {
            return;
        }
    }
}

/// A refork that was asked for comes to its end.
fn is_reforked(server: &mut Server) {
    let asked = server.promoted();
    server.becomes(asked);
    server.settle();
    assert!(server.log.iter().any(|line| line.contains("rollout gen=")));
}

#[test]
fn it_reforks_when_workers_are_warm() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 40, 40);
    assert_eq!(server.promotions(), []);
    serves(&mut server, 60, 40);
    let line = server.log.iter().find(|line| line.starts_with("refork: "));
    let line = line.expect("a reason");
    assert!(
        line.starts_with("refork: 39.0 MiB per worker un-shared"),
        "{line}"
    );
    assert!(line.ends_with("gen=1 would save about 58 MiB"), "{line}");
    is_reforked(&mut server);
    assert_eq!(server.supervisor.counters().sharing_reforks, 1);
}

#[test]
fn it_stops_when_that_does_not_help() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 100, 40);
    is_reforked(&mut server);
    server.log.clear();
    serves(&mut server, 4 * 3_600, 40);
    assert_eq!(server.promotions(), []);
    let [line] = &server.log[..] else {
        panic!("{:#?}", server.log);
    };
    assert!(line.starts_with("no refork: 39.0 MiB per worker"), "{line}");
    assert!(
        line.contains("would save nothing (last one saved 0 % in 0.0s)"),
        "{line}"
    );
}

#[test]
fn it_goes_on_as_long_as_it_helps() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 100, 60);
    is_reforked(&mut server);
    serves(&mut server, 400, 20);
    is_reforked(&mut server);
    assert_eq!(server.supervisor.counters().sharing_reforks, 2);
}

/// The machine was suspended.
fn sleeps(server: &mut Server, seconds: u64) {
    server.now += secs(seconds);
    server.tell(Event::Leapt(secs(seconds)));
}

/// From when the worker that was asked has no request any more: until then nobody misses it.
#[test]
fn what_a_refork_costs_is_the_time_of_promotion_and_rollout() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 100, 60);
    let asked = server.promoted();
    server.wait(secs(5));
    let pid = server.pid(asked.worker);
    server.hello(asked.mold, pid);
    server.wait(secs(2));
    sleeps(&mut server, 3_600);
    server.ready(asked.mold);
    server.wait(secs(1));
    sleeps(&mut server, 3_600);
    server.settle();
    serves(&mut server, 290, 20);
    assert_eq!(server.promotions(), [], "a hundred times three seconds");
    let line = server.log.last().expect("a reason");
    assert!(
        line.starts_with("no refork: 19.0 MiB per worker un-shared"),
        "{line}"
    );
    assert!(
        line.contains("(last one saved 68 % in 3.0s), but waits "),
        "{line}"
    );
    serves(&mut server, 20, 20);
    is_reforked(&mut server);
}

#[test]
fn new_code_takes_its_time_and_costs_no_refork() {
    let mut server = Server::started(sharing(4));
    let mold = server.restart(2, sharing(4));
    server.wait(secs(300));
    server.ready(mold);
    server.wait(secs(9));
    server.settle();
    serves(&mut server, 200, 40);
    is_reforked(&mut server);
}

#[test]
fn both_triggers_work_together() {
    let mut server = Server::started(Settings {
        refork_after: ReforkAfter::new(vec![10_000, 30], false),
        ..sharing(4)
    });
    serves(&mut server, 100, 40);
    is_reforked(&mut server);
    serves(&mut server, 30, 40);
    let ticket = server.worker(2);
    server.tell(Event::Milestone {
        ticket,
        requests: 30,
    });
    is_reforked(&mut server);
    assert_eq!(server.generations(), [2; 4]);
    assert_eq!(server.supervisor.counters().sharing_reforks, 1);
}

#[test]
fn new_code_is_another_app() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 100, 40);
    is_reforked(&mut server);
    serves(&mut server, 600, 40);
    let mold = server.restart(2, sharing(4));
    server.ready(mold);
    server.settle();
    server.log.clear();
    serves(&mut server, 100, 40);
    is_reforked(&mut server);
}

#[test]
fn a_failed_refork_is_tried_again_with_its_backoff() {
    let mut server = Server::started(sharing(4));
    serves(&mut server, 100, 40);
    let asked = server.promoted();
    server.born(asked.mold);
    server.crashes(asked.mold);
    assert_eq!(server.promotions(), []);
    serves(&mut server, 10, 40);
    is_reforked(&mut server);
    assert_eq!(server.supervisor.counters().sharing_reforks, 1);
}

#[test]
fn it_is_not_asked_where_nobody_can_refork() {
    let mut server = Server::started(Settings {
        adopts: false,
        ..sharing(4)
    });
    assert!(!server.supervisor.weighs());
    serves(&mut server, 300, 40);
    assert_eq!(server.promotions(), []);
    assert_eq!(server.log, [] as [&str; 0]);
    assert_eq!(server.supervisor.deadline(Duration::ZERO), None);
}

//! Worker 0 alone compiles until the first promotion: then it is the one to be promoted.

mod story;

use pitchfork_core::policy::ReforkAfter;
use pitchfork_core::supervisor::{Event, Promotion, Settings};
use pitchfork_core::wire::Refusal;
use story::{Server, secs, settings};

fn first_leads(workers: u32) -> Settings {
    Settings {
        first_worker_leads: true,
        refork_after: ReforkAfter::new(vec![50, 100], true),
        promotion: Promotion::InPlace,
        ..settings(workers)
    }
}

/// Worker `nr` tells that it has served so many requests.
fn is_warm(server: &mut Server, nr: u32, requests: u64) {
    let ticket = server.worker(nr);
    server.serves(ticket, requests);
    server.tell(Event::Milestone { ticket, requests });
}

#[test]
fn the_others_do_not_begin_a_refork() {
    let mut server = Server::started(first_leads(3));
    is_warm(&mut server, 1, 60);
    assert!(server.promotions().is_empty());
    is_warm(&mut server, 0, 50);
    assert_eq!(server.promoted().worker, server.worker(0));
}

#[test]
fn it_is_promoted_though_it_has_served_least_and_is_largest() {
    let mut server = Server::started(first_leads(3));
    for (nr, requests, size) in [(0, 5, 900), (1, 40, 100), (2, 30, 100)] {
        let worker = server.worker(nr);
        server.serves(worker, requests);
        server.supervisor.observe_size(worker, size);
    }
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(0));
}

#[test]
fn its_successor_takes_its_part() {
    let mut server = Server::started(first_leads(2));
    is_warm(&mut server, 1, 60);
    let first = server.worker(0);
    server.crashes(first);
    server.settle();
    assert!(server.promotions().is_empty());
    is_warm(&mut server, 0, 50);
    assert_eq!(server.promoted().worker, server.worker(0));
}

#[test]
fn who_can_not_be_promoted_is_not_waited_for() {
    let mut server = Server::started(first_leads(2));
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::Refused {
        ticket: asked.mold,
        reason: Refusal::Threads,
    });
    assert_eq!(server.promoted().worker, server.worker(1));
}

#[test]
fn a_lost_boot_mold_is_replaced_by_it() {
    let mut server = Server::started(first_leads(3));
    is_warm(&mut server, 2, 70);
    let mold = server.mold();
    server.crashes(mold);
    assert_eq!(server.promoted().worker, server.worker(0));
}

#[test]
fn afterwards_all_workers_compile_and_the_warmest_is_promoted() {
    let mut server = Server::started(first_leads(2));
    is_warm(&mut server, 0, 50);
    let asked = server.promoted();
    server.becomes(asked);
    server.settle();
    server.wait(secs(60));
    assert_eq!(server.generations(), [1, 1]);
    is_warm(&mut server, 1, 100);
    assert_eq!(server.promoted().worker, server.worker(1));
}

#[test]
fn new_code_begins_again_with_worker_0() {
    let mut server = Server::started(settings(2));
    let booted = server.restart(2, first_leads(2));
    server.ready(booted);
    server.settle();
    server.wait(secs(60));
    assert_eq!(server.generations(), [1, 1]);
    is_warm(&mut server, 1, 60);
    assert!(server.promotions().is_empty());
    is_warm(&mut server, 0, 100);
    assert_eq!(server.promoted().worker, server.worker(0));
}

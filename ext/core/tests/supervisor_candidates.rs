//! Who becomes a mold, and which mold is good for nothing.

mod story;

use pitchfork_core::supervisor::{Event, ExitStatus};
use story::{Server, secs, settings};

#[test]
fn a_bloated_worker_comes_after_the_others() {
    let mut server = Server::started(settings(4));
    for (nr, requests, size) in [(0, 10, 100), (1, 40, 160), (2, 30, 140), (3, 20, 100)] {
        let worker = server.worker(nr);
        server.serves(worker, requests);
        server.supervisor.observe_size(worker, size);
    }
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(2));
}

#[test]
fn of_two_the_larger_one_comes_second() {
    let mut server = Server::started(settings(2));
    for (nr, requests, size) in [(0, 90, 1_000), (1, 1, 100)] {
        let worker = server.worker(nr);
        server.serves(worker, requests);
        server.supervisor.observe_size(worker, size);
    }
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(1));
}

#[test]
fn who_is_alone_is_never_too_large() {
    let mut server = Server::started(settings(1));
    server
        .supervisor
        .observe_size(server.worker(0), u64::MAX / 4);
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(0));
}

/// One worker dies again and again before it is ready, whatever the others did long ago.
fn fails_to_start(server: &mut Server, times: u32) {
    let worker = server.worker(1);
    server.crashes(worker);
    for _ in 0..times {
        server.wait(secs(6));
        let next = server.spawned()[0].ticket;
        server.born(next);
        server.dies(next, ExitStatus::Exited(1));
    }
}

#[test]
fn a_mold_whose_workers_die_at_once_is_booted_anew() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    fails_to_start(&mut server, 4);
    assert!(!server.wants_boot());
    server.wait(secs(6));
    let next = server.spawned()[0].ticket;
    server.born(next);
    server.dies(next, ExitStatus::Exited(1));
    assert_eq!(server.retired(), [mold]);
    server.assert_logged(
        "mold gen=0 pid=101 has forked 5 workers in a row that did not live: booting another",
    );
    let booted = server.booted();
    server.ready(booted);
    server.wait(secs(6));
    let worker = server.spawned()[0].ticket;
    server.ready(worker);
    assert_eq!(server.generations(), [0, 1]);
}

#[test]
fn a_worker_that_lives_clears_its_mold() {
    let mut server = Server::started(settings(2));
    fails_to_start(&mut server, 4);
    server.wait(secs(6));
    let worker = server.spawned()[0].ticket;
    server.ready(worker);
    server.wait(secs(60));
    fails_to_start(&mut server, 4);
    assert!(!server.wants_boot());
}

//! What a new mold's first worker has to show before more are forked, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Refork, Settings};
use story::{Server, ms, on_probation, secs, settings};

fn is_proven(server: &Server) -> bool {
    matches!(
        server.supervisor.refork(),
        Refork::Rolling { proven: true, .. }
    )
}

#[test]
fn a_canary_that_has_served_enough_lets_the_rollout_go_on() {
    let mut server = Server::started(on_probation(settings(4)));
    let canary = server.canary();
    server.ready(canary);
    server.settle(); // its predecessor goes
    server.serves(canary, 9);
    server.tell(Event::Tick);
    assert!(!is_proven(&server) && server.spawned().is_empty());
    server.tell(Event::Milestone {
        ticket: canary,
        requests: 10,
    });
    assert!(is_proven(&server));
    let next = server.spawned();
    assert_eq!(next.len(), 1);
    server.ready(next[0].ticket);
    server.settle();
    assert_eq!(server.generations(), [1, 1, 1, 1]);
}

#[test]
fn a_worker_on_probation_tells_when_it_has_served_enough() {
    let mut server = Server::started(on_probation(settings(4)));
    server.canary();
    let milestone = server.last.iter().find_map(|action| match action {
        Action::Spawn { milestone, .. } => *milestone,
        _ => None,
    });
    assert_eq!(milestone, Some(10));
}

#[test]
fn where_nobody_calls_a_while_is_enough() {
    let mut server = Server::started(on_probation(settings(4)));
    let canary = server.canary();
    server.ready(canary);
    server.wait(secs(5) - ms(1));
    assert!(!is_proven(&server));
    server.wait(ms(1));
    assert!(is_proven(&server));
}

#[test]
fn a_canary_that_dies_while_it_serves_ends_the_rollout() {
    let mut server = Server::started(on_probation(settings(4)));
    let canary = server.canary();
    let mold = server.mold();
    server.ready(canary);
    server.serves(canary, 9);
    server.wait(secs(4));
    let pid = server.pid(canary);
    server.dies(canary, ExitStatus::Signaled(11));
    assert!(server.retired().contains(&mold));
    server.assert_logged(&format!(
        "refork to gen=1 failed: worker=0 gen=1 pid={pid} died of SIGSEGV; next attempt in 5.0s"
    ));
    server.dies(mold, ExitStatus::Exited(0));
    server.settle();
    assert_eq!(server.generations(), [0, 0, 0, 0]);
}

#[test]
fn who_dies_during_a_probation_is_replaced_by_the_old_mold() {
    let mut server = Server::started(on_probation(settings(4)));
    let canary = server.canary();
    server.ready(canary);
    server.settle();
    let worker = server.worker(3);
    server.crashes(worker);
    let fresh = server.spawned();
    assert_eq!((fresh[0].nr, fresh[0].generation), (3, 0));
}

/// It was forked by a mold that nobody knew yet to be good.
#[test]
fn a_service_worker_is_no_canary() {
    let mut server = Server::started(on_probation(Settings {
        services: vec!["cron".into()],
        ..settings(4)
    }));
    let service = server.service("cron");
    let canary = server.canary();
    let mold = server.mold();
    server.crashes(service);
    server.wait(secs(1));
    let fresh = server.spawned();
    assert_eq!((fresh[0].service, fresh[0].generation), (true, 0));
    server.tell(Event::Closed { ticket: canary });
    assert_eq!(server.retired(), [mold]);
}

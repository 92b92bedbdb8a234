//! What the supervisor does while nothing fails, told as stories.

mod story;

use pitchfork_core::policy::ReforkAfter;
use pitchfork_core::supervisor::{Action, Event, ExitStatus, Promotion, Refork, Settings};
use pitchfork_core::wire::{Refusal, Ticket};
use story::{Server, ms, secs, settings};

#[test]
fn boots_spawns_listens_and_serves() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let mold = server.booted();
    server.hello(mold, 10);
    assert!(
        server.spawned().is_empty(),
        "a mold that is not ready was asked to fork"
    );
    server.wait(ms(512));
    server.ready(mold);
    let workers = server.spawned();
    assert_eq!(
        workers.iter().map(|seat| seat.nr).collect::<Vec<_>>(),
        [0, 1]
    );
    server.hello(workers[1].ticket, 11);
    server.wait(ms(4));
    server.ready(workers[1].ticket);
    let serve = Action::Serve(workers[1].ticket);
    let order = |wanted: &Action| server.last.iter().position(|action| action == wanted);
    assert!(order(&Action::Listen) < order(&serve) && order(&Action::Listen).is_some());
    server.hello(workers[0].ticket, 12);
    server.wait(ms(6));
    server.ready(workers[0].ticket);
    assert!(!server.last.contains(&Action::Listen), "it listens once");
    assert!(server.last.contains(&Action::ServerReady));
    assert_eq!(
        server.log,
        [
            "mold gen=0 pid=10 booting",
            "mold gen=0 pid=10 ready in 0.512s",
            "worker=1 gen=0 pid=11 ready in 0.004s",
            "worker=0 gen=0 pid=12 ready in 0.010s",
            "server ready: 2 workers gen=0 in 0.522s",
        ]
    );
    let worker = server.worker(0);
    server.crashes(worker);
    server.settle();
    let ready = server
        .log
        .iter()
        .filter(|line| line.starts_with("server ready"));
    assert_eq!(ready.count(), 1, "it is announced once");
}

#[test]
fn an_app_that_does_not_boot_ends_the_server() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let mold = server.booted();
    server.hello(mold, 10);
    server.dies(mold, ExitStatus::Exited(1));
    server.assert_logged("mold gen=0 pid=10 did not become ready: it exited with status 1");
    server.assert_logged("the app did not boot");
    assert_eq!(server.exit(), Some(1));
    server.tell(Event::Tick);
    assert!(server.last.is_empty(), "nothing comes after the exit");
}

#[test]
fn a_boot_mold_that_can_not_be_started_ends_the_server() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let ticket = server.booted();
    server.tell(Event::ForkFailed { ticket, errno: 12 });
    server.assert_logged("mold gen=0 did not become ready: the fork failed with errno 12");
    assert_eq!(server.exit(), Some(1));
}

#[test]
fn an_app_may_take_an_hour_to_boot() {
    let mut server = Server::new(settings(1));
    server.tell(Event::Start);
    let mold = server.booted();
    server.born(mold);
    server.wait(secs(3_600));
    server.ready(mold);
    assert_eq!(server.spawned().len(), 1);
}

#[test]
fn usr2_promotes_in_place_where_a_worker_may_be_missing() {
    let mut server = Server::started(settings(4));
    let (old_mold, worker) = (server.mold(), server.worker(2));
    server.serves(worker, 5021);
    server.tell(Event::Refork);
    let asked = server.promoted();
    assert_eq!(
        (asked.worker, asked.generation, asked.in_place),
        (worker, 1, true)
    );
    let pid = server.pid(worker);
    server.hello(asked.mold, pid);
    server.assert_logged(&format!(
        "worker=2 gen=0 pid={pid} promoted: mold gen=1 pid={pid} in place"
    ));
    assert!(server.last.contains(&Action::Forget(worker)));
    assert!(
        server.spawned().is_empty(),
        "the number is kept free for the new generation"
    );
    server.wait(ms(210));
    server.ready(asked.mold);
    server.assert_logged(&format!("mold gen=1 pid={pid} ready in 0.210s"));
    let canary = server.spawned();
    assert_eq!(
        (canary.len(), canary[0].nr, canary[0].generation),
        (1, 2, 1)
    );
    server.wait(ms(412));
    server.ready(canary[0].ticket);
    assert_eq!(server.supervisor.ready_workers(), 4);
    server.settle();
    assert_eq!(server.generations(), [1, 1, 1, 1]);
    assert_eq!(server.mold(), asked.mold);
    let gone = server.pid(old_mold);
    server.assert_logged(&format!("mold gen=0 pid={gone} retired"));
    server.assert_logged("rollout gen=1 done in 0.412s: 4 workers");
    assert_eq!(server.supervisor.refork(), Refork::Idle);
}

#[test]
fn a_single_worker_is_promoted_by_fork() {
    let mut server = Server::started(settings(1));
    server.tell(Event::Refork);
    let asked = server.promoted();
    assert!(!asked.in_place);
    let from = server.pid(asked.worker);
    let pid = server.born(asked.mold);
    server.assert_logged(&format!(
        "worker=0 gen=0 pid={from} promoted: mold gen=1 pid={pid} by fork"
    ));
    server.ready(asked.mold);
    let new = server.spawned();
    assert!(server.retired().is_empty(), "added before removed");
    server.ready(new[0].ticket);
    assert_eq!(server.retired()[0], asked.worker);
}

#[test]
fn the_settings_say_how_to_promote() {
    let cases = [
        (Promotion::Auto, Some(0), false),
        (Promotion::Auto, None, true),
        (Promotion::InPlace, Some(0), true),
        (Promotion::Fork, None, false),
    ];
    for (promotion, max_unavailable, in_place) in cases {
        let settings = Settings {
            promotion,
            max_unavailable,
            ..settings(4)
        };
        let mut server = Server::started(settings);
        server.tell(Event::Refork);
        assert_eq!(
            server.promoted().in_place,
            in_place,
            "{promotion:?} {max_unavailable:?}"
        );
    }
}

#[test]
fn warm_workers_ask_for_a_refork_until_false() {
    let refork_after = ReforkAfter::new(vec![50], false);
    let mut server = Server::new(Settings {
        refork_after,
        ..settings(2)
    });
    server.tell(Event::Start);
    let mold = server.booted();
    server.ready(mold);
    let milestone = |server: &Server| {
        server.last.iter().find_map(|action| match action {
            Action::Spawn { milestone, .. } => Some(*milestone),
            _ => None,
        })
    };
    assert_eq!(milestone(&server), Some(Some(50)));
    server.settle();
    let worker = server.worker(1);
    server.serves(worker, 50);
    server.tell(Event::Milestone {
        ticket: worker,
        requests: 50,
    });
    let asked = server.promoted();
    assert_eq!(asked.worker, worker);
    server.becomes(asked);
    assert_eq!(
        milestone(&server),
        Some(None),
        "generation 1 is told to stay"
    );
}

#[test]
fn replacements_are_ready_before_the_old_ones_go() {
    let mut server = Server::started(Settings {
        promotion: Promotion::Fork,
        ..settings(20)
    });
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.ready(asked.mold);
    let canary = server.spawned();
    assert_eq!(canary.len(), 1, "one worker shows that the mold is good");
    server.ready(canary[0].ticket);
    let (retired, batch) = (server.retired(), server.spawned());
    assert_eq!(
        (retired.len(), batch.len()),
        (1, 1),
        "a tenth at once, those who are leaving included"
    );
    server.dies(retired[0], ExitStatus::Exited(0));
    assert_eq!((server.retired().len(), server.spawned().len()), (0, 1));
    server.ready(batch[0].ticket);
    assert_eq!((server.retired().len(), server.spawned().len()), (1, 0));
}

#[test]
fn a_configured_number_of_missing_workers_goes_first() {
    let settings = Settings {
        max_unavailable: Some(2),
        promotion: Promotion::Fork,
        ..settings(4)
    };
    let mut server = Server::started(settings);
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.ready(asked.mold);
    let canary = server.spawned();
    assert!(server.retired().is_empty(), "the canary is added");
    server.ready(canary[0].ticket);
    let replaced = server.retired();
    assert_eq!(
        replaced.len(),
        3,
        "the canary's predecessor, and as many as may be missing"
    );
    assert!(server.spawned().is_empty(), "there is no memory for both");
    server.dies(replaced[1], ExitStatus::Exited(0));
    assert_eq!(server.spawned().len(), 1);
}

#[test]
fn the_operator_adds_and_removes_workers() {
    let mut server = Server::started(settings(1));
    server.tell(Event::AddWorker);
    assert_eq!(server.spawned()[0].nr, 1);
    server.assert_logged("worker_processes is now 2");
    server.tell(Event::RemoveWorker);
    server.assert_logged("worker_processes is now 1");
    server.tell(Event::RemoveWorker);
    server.assert_logged(
        "the last worker stays: stop the server with QUIT, or retire all workers with WINCH",
    );
    assert_eq!(server.supervisor.wished_workers(), 1);
}

#[test]
fn the_number_of_workers_may_change_during_a_rollout() {
    let mut server = Server::started(Settings {
        promotion: Promotion::Fork,
        ..settings(3)
    });
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::AddWorker);
    assert_eq!(
        server
            .spawned()
            .iter()
            .map(|seat| seat.generation)
            .collect::<Vec<_>>(),
        [0]
    );
    server.ready(asked.mold);
    server.tell(Event::AddWorker);
    server.tell(Event::RemoveWorker);
    server.tell(Event::RemoveWorker);
    server.settle();
    assert_eq!(server.generations(), [1, 1, 1]);
    assert_eq!(server.supervisor.refork(), Refork::Idle);
}

/// A worker beyond the wished number was retired although it was about to become the mold: the refork failed for nothing.
#[test]
fn a_worker_that_is_asked_to_become_the_mold_is_not_retired_meanwhile() {
    let mut server = Server::started(settings(4));
    let worker = server.worker(3);
    server.serves(worker, 9);
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::RemoveWorker);
    assert!(server.retired().is_empty());
    server.tell(Event::Refused {
        ticket: asked.mold,
        reason: Refusal::NotForkSafe,
    });
    assert_eq!(server.retired(), [worker], "now it may go");
    assert_eq!(server.promotions().len(), 1);
}

#[test]
fn what_the_forgotten_say_changes_nothing() {
    let mut server = Server::started(settings(2));
    let ticket = Ticket(4711);
    let status = ExitStatus::Exited(0);
    for event in [
        Event::Hello { ticket, pid: 9 },
        Event::Ready { ticket },
        Event::Milestone {
            ticket,
            requests: 1,
        },
        Event::Refused {
            ticket,
            reason: Refusal::Failed,
        },
        Event::ForkFailed { ticket, errno: 11 },
        Event::Closed { ticket },
        Event::Exited { pid: 4711, status },
    ] {
        server.tell(event.clone());
        assert!(server.last.is_empty(), "{event:?}: {:?}", server.last);
    }
}

//! Hot restarts and who is sent away by signals, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Refork, Settings};
use story::{Server, ms, on_probation, secs, settings};

fn answers(server: &Server) -> Vec<&Action> {
    let is_answer = |action: &&Action| {
        matches!(
            action,
            Action::Restarted { .. } | Action::RestartFailed { .. }
        )
    };
    server.last.iter().filter(is_answer).collect()
}

fn versions(server: &Server) -> Vec<u32> {
    server
        .supervisor
        .processes()
        .iter()
        .map(|p| p.version)
        .collect()
}

#[test]
fn new_code_is_rolled_out_once_it_has_proved_itself() {
    let mut server = Server::started(settings(3));
    let old = server.mold();
    let mold = server.restart(2, on_probation(settings(2)));
    server.assert_logged("hot restart: version=2 gen=1");
    let pid = server.born(mold);
    server.assert_logged(&format!("mold gen=1 pid={pid} booting version=2"));
    server.wait(secs(600));
    server.ready(mold);
    let canary = server.spawned();
    assert_eq!((canary.len(), canary[0].generation), (1, 1));
    server.ready(canary[0].ticket);
    assert!(
        server.last.contains(&Action::Listen),
        "there may be new listeners"
    );
    assert_eq!(
        (answers(&server).len(), server.supervisor.version()),
        (0, 1)
    );
    server.wait(secs(5));
    assert_eq!(answers(&server), [&Action::Restarted { version: 2 }]);
    assert_eq!(server.supervisor.wished_workers(), 2);
    server.settle();
    assert_eq!(
        (server.generations(), versions(&server)),
        (vec![1, 1], vec![2, 2, 2])
    );
    assert!(server.last.contains(&Action::RolloutDone { generation: 1 }));
    assert!(server.mold() == mold && mold != old);
}

#[test]
fn code_that_does_not_boot_changes_nothing() {
    let mut server = Server::started(settings(2));
    let mold = server.restart(2, settings(5));
    server.born(mold);
    server.dies(mold, ExitStatus::Exited(1));
    let why = "it exited with status 1".to_string();
    assert_eq!(
        answers(&server),
        [&Action::RestartFailed { version: 2, why }]
    );
    server.assert_logged(
        "hot restart to version=2 failed: it exited with status 1; version=1 serves on",
    );
    server.wait(secs(3_600));
    assert!(!server.wants_boot(), "it is not tried again");
    assert_eq!(
        (server.generations(), server.supervisor.wished_workers()),
        (vec![0, 0], 2)
    );
    let worker = server.worker(0);
    server.crashes(worker);
    assert_eq!(server.spawned()[0].generation, 0);
}

#[test]
fn code_whose_canary_dies_changes_nothing() {
    let mut server = Server::started(settings(2));
    let mold = server.restart(2, on_probation(settings(2)));
    server.ready(mold);
    let canary = server.spawned()[0].ticket;
    server.ready(canary);
    server.settle(); // its predecessor has gone
    server.crashes(canary);
    assert!(matches!(
        answers(&server)[..],
        [Action::RestartFailed { version: 2, .. }]
    ));
    assert!(server.retired().contains(&mold));
    server.dies(mold, ExitStatus::Exited(0));
    server.wait(ms(100));
    server.settle();
    assert_eq!(
        (server.generations(), versions(&server)),
        (vec![0, 0], vec![1, 1, 1])
    );
    assert_eq!(server.supervisor.refork(), Refork::Idle);
}

/// The wish was forgotten when the restart began.
#[test]
fn a_refork_that_is_to_be_tried_again_outlives_a_failed_restart() {
    let mut server = Server::started(on_probation(settings(2)));
    let canary = server.canary();
    server.tell(Event::Closed { ticket: canary });
    server.settle(); // the new mold goes
    let mold = server.restart(2, settings(2));
    server.born(mold);
    server.crashes(mold);
    server.wait(secs(5));
    assert_eq!(server.promotions().len(), 1);
}

#[test]
fn the_newest_of_several_wins() {
    let mut server = Server::started(settings(2));
    let second = server.restart(2, settings(2));
    server.born(second);
    let third = server.restart(3, settings(2));
    assert_eq!(server.killed(), [second], "there is nothing to finish");
    let why = "superseded by version=3".to_string();
    assert!(
        server
            .last
            .contains(&Action::RestartFailed { version: 2, why })
    );
    server.crashes(second);
    server.ready(third);
    server.settle();
    assert_eq!(versions(&server), [3, 3, 3]);
}

#[test]
fn a_restart_waits_for_the_refork_that_is_under_way() {
    let mut server = Server::started(on_probation(settings(2)));
    let canary = server.canary();
    let settings = Box::new(settings(2));
    server.tell(Event::Restart {
        version: 2,
        settings,
    });
    assert!(!server.wants_boot());
    server.ready(canary);
    server.wait(secs(5));
    server.settle();
    let mold = server.booted();
    server.ready(mold);
    server.settle();
    assert_eq!(versions(&server), [2, 2, 2]);
}

/// The mold that took the old one's place was of a higher generation than the new code's, whose canary was never forked.
#[test]
fn a_mold_that_is_lost_meanwhile_does_not_stop_a_restart() {
    let mut server = Server::started(Settings {
        adopts: false,
        ..settings(1)
    });
    let old = server.mold();
    let new = server.restart(2, settings(1));
    server.crashes(old);
    let substitute = server.booted();
    let worker = server.worker(0);
    server.ready(substitute);
    server.crashes(worker);
    let replaced = server.spawned();
    server.ready(replaced[0].ticket);
    server.ready(new);
    server.settle();
    assert_eq!((versions(&server), server.mold()), (vec![2, 2], new));
}

/// Without a subreaper nothing replaced the workers of the old code, once the new mold had died.
#[test]
fn a_mold_that_is_lost_in_its_rollout_is_booted_again_to_finish_it() {
    let alone = |workers| Settings {
        adopts: false,
        ..settings(workers)
    };
    let mut server = Server::started(alone(3));
    let mold = server.restart(2, alone(3));
    server.ready(mold);
    let canary = server.spawned()[0].ticket;
    server.ready(canary);
    server.crashes(mold);
    assert!(server.promotions().is_empty());
    let again = server.booted();
    server.ready(again);
    server.wait(secs(5));
    server.settle();
    assert_eq!(versions(&server), [2, 2, 2, 2]);
}

#[test]
fn all_workers_may_be_sent_away() {
    let mut server = Server::started(settings(2));
    let workers = [server.worker(0), server.worker(1)];
    server.tell(Event::RemoveWorkers);
    assert_eq!(server.retired(), workers);
    server.assert_logged("all workers retire; the server stays");
    for worker in workers {
        server.dies(worker, ExitStatus::Exited(0));
    }
    server.wait(secs(3_600));
    assert_eq!((server.spawned(), server.exit()), (vec![], None));
    server.tell(Event::RemoveWorker);
    server.assert_logged("there is no worker to remove");
    server.tell(Event::AddWorker);
    assert_eq!(server.spawned()[0].nr, 0);
}

#[test]
fn a_restart_brings_workers_back_that_were_sent_away() {
    let mut server = Server::started(settings(2));
    server.tell(Event::RemoveWorkers);
    server.settle();
    let mold = server.restart(2, settings(2));
    server.ready(mold);
    server.settle();
    assert_eq!(versions(&server), [2, 2, 2]);
}

/// They came back when the restart came into force.
#[test]
fn who_is_sent_away_during_a_restart_does_not_come_back() {
    let mut server = Server::started(settings(2));
    let mold = server.restart(2, settings(2));
    server.tell(Event::RemoveWorkers);
    server.settle();
    server.ready(mold);
    server.settle();
    assert_eq!(
        (server.supervisor.version(), versions(&server)),
        (2, vec![2])
    );
}

/// The callback for a server that is ready ran before the first client could connect.
#[test]
fn a_server_that_has_not_listened_is_not_ready() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let mold = server.booted();
    server.tell(Event::RemoveWorkers);
    assert!(!server.last.contains(&Action::ServerReady));
    server.ready(mold);
    server.tell(Event::AddWorker);
    server.settle();
    assert_eq!(
        server.log.last().map(String::as_str),
        Some("server ready: 1 workers gen=0 in 0.000s")
    );
}

//! How the server ends, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Promotion, Settings};
use story::{STOP, Server, secs, settings};

#[test]
fn stops_gracefully() {
    let mut server = Server::started(settings(2));
    let (mold, workers) = (server.mold(), [server.worker(0), server.worker(1)]);
    server.tell(STOP);
    assert_eq!(server.retired(), [mold, workers[0], workers[1]]);
    server.serves(workers[0], 7);
    let pid = server.pid(workers[0]);
    server.dies(workers[0], ExitStatus::Exited(0));
    server.assert_logged(&format!(
        "worker=0 gen=0 pid={pid} retired after 7 requests"
    ));
    server.dies(mold, ExitStatus::Exited(0));
    assert_eq!(server.exit(), None);
    server.wait(secs(22));
    assert_eq!(
        server.killed(),
        [workers[1]],
        "who takes too long is killed"
    );
    let pid = server.pid(workers[1]);
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} did not retire in time: killed"
    ));
    server.crashes(workers[1]);
    assert_eq!(server.exit(), Some(0));
    assert_eq!(
        server.log.first().map(String::as_str),
        Some("stopping on SIGTERM")
    );
    assert_eq!(server.log.last().map(String::as_str), Some("stopped"));
}

#[test]
fn the_more_urgent_stop_wins() {
    let mut server = Server::started(settings(1));
    let (mold, worker) = (server.mold(), server.worker(0));
    server.tell(STOP);
    server.tell(Event::Stop {
        graceful: false,
        signal: "INT",
    });
    assert_eq!(server.killed(), [mold, worker]);
    server.tell(STOP);
    assert!(
        server.killed().is_empty() && server.retired() == [mold, worker],
        "told once"
    );
    server.crashes(mold);
    server.crashes(worker);
    assert_eq!(server.exit(), Some(0));
}

#[test]
fn stops_while_the_app_boots() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let mold = server.booted();
    server.born(mold);
    server.tell(STOP);
    assert_eq!(server.killed(), [mold], "there is nothing to finish");
    server.crashes(mold);
    assert_eq!(server.exit(), Some(0));
}

#[test]
fn stops_at_once_where_nothing_has_begun() {
    let mut server = Server::new(settings(2));
    server.tell(STOP);
    assert_eq!(server.exit(), Some(0));
}

#[test]
fn a_stop_forgets_the_unborn_and_kills_the_unready() {
    let mut server = Server::started(Settings {
        promotion: Promotion::Fork,
        ..settings(2)
    });
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::AddWorker);
    let young = server.spawned()[0].ticket;
    server.born(young);
    server.tell(STOP);
    assert!(server.last.contains(&Action::Forget(asked.mold)));
    assert_eq!(server.killed(), [young]);
    server.crashes(young);
    server.settle();
    assert_eq!(server.exit(), Some(0));
}

#[test]
fn who_is_killed_and_never_reaped_does_not_hold_up_the_end() {
    let mut server = Server::started(settings(1));
    let mold = server.mold();
    server.tell(STOP);
    server.dies(mold, ExitStatus::Exited(0));
    server.wait(secs(22 + 5));
    assert_eq!(server.exit(), Some(0));
}

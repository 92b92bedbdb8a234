//! What the supervisor does when workers fail, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Refork, Settings};
use story::{STOP, Server, ms, secs, settings};

#[test]
fn a_worker_that_crashes_is_replaced_at_once() {
    let mut server = Server::started(settings(2));
    let worker = server.worker(1);
    let pid = server.pid(worker);
    server.serves(worker, 12);
    server.crashes(worker);
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} died of SIGKILL after 12 requests"
    ));
    let hook = Action::WorkerExited {
        nr: 1,
        generation: 0,
        pid,
        status: ExitStatus::Signaled(9),
        requests: 12,
    };
    assert!(server.last.contains(&hook));
    assert_eq!(server.spawned()[0].nr, 1);
}

/// A worker that left with status 0 as soon as it was ready was replaced at once, again and again.
#[test]
fn a_worker_that_goes_as_soon_as_it_is_ready_is_replaced_later_and_later() {
    for status in [ExitStatus::Signaled(11), ExitStatus::Exited(0)] {
        let mut server = Server::started(settings(1));
        let worker = server.worker(0);
        server.crashes(worker);
        for pause in [0, 0, 100, 200, 400] {
            server.wait(ms(pause).saturating_sub(ms(1)));
            assert!(pause == 0 || server.spawned().is_empty(), "too early");
            server.wait(ms(1));
            let next = server.spawned();
            assert_eq!(next.len(), 1, "after {pause} ms");
            server.ready(next[0].ticket);
            server.dies(next[0].ticket, status);
        }
    }
}

#[test]
fn the_server_gives_up_when_it_is_told_to() {
    let limit = Some(2);
    let mut server = Server::started(Settings {
        max_consecutive_spawn_errors: limit,
        ..settings(2)
    });
    let worker = server.worker(1);
    server.crashes(worker);
    for _ in 0..2 {
        let ticket = server.spawned()[0].ticket;
        server.born(ticket);
        server.dies(ticket, ExitStatus::Exited(1));
    }
    server.assert_logged("2 spawns failed in a row (max_consecutive_spawn_errors 2): giving up");
    server.settle();
    assert_eq!(server.exit(), Some(1));
}

#[test]
fn a_spawn_that_is_not_ready_in_time_is_killed() {
    let mut server = Server::started(settings(2));
    server.tell(Event::AddWorker);
    let ticket = server.spawned()[0].ticket;
    let pid = server.born(ticket);
    server.wait(secs(10));
    assert_eq!(server.killed(), [ticket]);
    server.assert_logged(&format!(
        "worker=2 gen=0 pid={pid} was not ready in time: killed"
    ));
    // It was ready in the same moment: too late.
    server.tell(Event::Ready { ticket });
    assert!(!server.last.contains(&Action::Serve(ticket)));
    server.crashes(ticket);
    assert_eq!(server.spawned()[0].nr, 2);
}

/// A child that died before its first message was read stayed in the books for ever: its end had been a stranger's.
#[test]
fn who_was_reaped_before_the_first_message_was_read_is_no_ghost() {
    let mut server = Server::started(settings(2));
    let worker = server.worker(1);
    server.crashes(worker);
    let ticket = server.spawned()[0].ticket;
    server.tell(Event::Exited {
        pid: 500,
        status: ExitStatus::Signaled(9),
    });
    server.hello(ticket, 500);
    server.tell(Event::Closed { ticket });
    server.wait(secs(8));
    let new = server.spawned();
    assert_eq!((new.len(), new[0].nr), (1, 1));
}

#[test]
fn who_hangs_up_and_stays_is_killed() {
    let mut server = Server::started(settings(1));
    let worker = server.worker(0);
    server.tell(Event::Closed { ticket: worker });
    server.wait(secs(2));
    assert_eq!(server.killed(), [worker]);
    let pid = server.pid(worker);
    server.assert_logged(&format!(
        "worker=0 gen=0 pid={pid} closed its channel and stayed: killed"
    ));
}

#[test]
fn without_a_subreaper_the_end_of_a_channel_is_the_end_of_the_process() {
    let mut server = Server::started(Settings {
        adopts: false,
        ..settings(2)
    });
    server.tell(Event::Refork);
    server.assert_logged("refork requested, but this server can't adopt processes (no subreaper)");
    let ticket = server.worker(1);
    let pid = server.pid(ticket);
    server.tell(Event::Closed { ticket });
    server.assert_logged(&format!("worker=1 gen=0 pid={pid} left after 0 requests"));
    assert!(server.last.contains(&Action::Forget(ticket)));
    server.settle();
    let mold = server.mold();
    server.crashes(mold);
    assert!(server.promotions().is_empty());
    let boot = server.booted();
    server.ready(boot);
    assert_eq!(server.supervisor.refork(), Refork::Idle);
    server.tell(STOP);
    server.settle();
    assert!(server.log.contains(&"stopped".to_string()));
}

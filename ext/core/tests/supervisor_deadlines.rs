//! What the supervisor does about requests that are late, children that stand still, and clocks that leap, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Request};
use story::{Server, ms, on_probation, secs, settings};

#[test]
fn a_late_request_is_interrupted_and_then_its_worker_killed() {
    let mut server = Server::started(settings(2));
    let worker = server.worker(1);
    let pid = server.pid(worker);
    server.is_busy(worker, secs(20));
    server.wait(secs(20) - ms(1));
    assert_eq!(server.interrupted(), []);
    server.wait(ms(1));
    assert_eq!(server.interrupted(), [worker]);
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} has been at a request for 20.000s: told to give up"
    ));
    server.wait(secs(2) - ms(1));
    assert_eq!(server.killed(), []);
    server.wait(ms(1));
    let timeout = Action::HardTimeout {
        nr: 1,
        generation: 0,
        pid,
        requests: 0,
    };
    let order = |wanted: &Action| server.last.iter().position(|action| action == wanted);
    let (told, killed) = (order(&timeout), order(&Action::Kill(worker)));
    assert!(told.is_some() && told < killed, "the callback comes first");
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} has been at a request for 22.000s: killed"
    ));
    server.crashes(worker);
    assert_eq!(server.spawned()[0].nr, 1);
    let counters = server.supervisor.counters();
    assert_eq!((counters.soft_timeouts, counters.hard_timeouts), (1, 1));
}

#[test]
fn a_request_that_ends_in_time_is_nobodys_business() {
    let mut server = Server::started(settings(1));
    let worker = server.worker(0);
    server.is_busy(worker, secs(20));
    server.wait(secs(19));
    server.is_busy(worker, secs(20)); // the next one
    server.wait(secs(19));
    server.serves(worker, 2);
    server.wait(secs(100));
    assert_eq!(server.interrupted(), []);
}

#[test]
fn the_app_may_move_a_deadline() {
    let mut server = Server::started(settings(1));
    let worker = server.worker(0);
    let request = server.is_busy(worker, secs(20));
    let until = |seconds| Request {
        deadline: request.since + secs(seconds),
        ..request
    };
    server.wait(secs(15));
    server.is_at(worker, until(60));
    server.wait(secs(30));
    assert_eq!(server.interrupted(), [], "extended");
    server.is_at(worker, until(46));
    server.tell(Event::Tick); // as the worker's message has the master look again
    server.wait(secs(1));
    assert_eq!(server.interrupted(), [worker], "shortened");
    // While it cleans up, the app asks for more time.
    server.is_at(worker, until(56));
    server.wait(secs(11));
    assert_eq!(server.killed(), []);
    server.wait(secs(1));
    assert_eq!(server.killed(), [worker]);
}

#[test]
fn a_worker_that_gives_up_in_time_is_replaced() {
    let mut server = Server::started(settings(1));
    let worker = server.worker(0);
    server.is_busy(worker, secs(5));
    server.wait(secs(6));
    assert_eq!(server.interrupted(), [worker]);
    server.dies(worker, ExitStatus::Exited(1));
    assert_eq!((server.killed(), server.spawned()[0].nr), (vec![], 0));
}

#[test]
fn a_machine_that_slept_has_made_nobody_late() {
    let mut server = Server::started(settings(3));
    let (busy, late) = (server.worker(0), server.worker(1));
    server.is_busy(late, secs(5));
    server.wait(secs(5));
    assert_eq!(server.interrupted(), [late]);
    server.is_busy(busy, secs(20));
    server.tell(Event::AddWorker);
    let young = server.spawned()[0].ticket;
    server.born(young);
    for hours in [1, 10] {
        server.now += secs(3_600 * hours);
        server.tell(Event::Leapt(secs(3_600 * hours)));
    }
    server.wait(ms(1_999));
    assert_eq!((server.killed(), server.interrupted()), (vec![], vec![]));
    server.wait(ms(1));
    assert_eq!(
        server.killed(),
        [late],
        "it had two seconds, and has had them"
    );
    server.wait(secs(18));
    assert_eq!(server.interrupted(), [busy]);
}

/// It had lived for an hour, asleep like the whole machine.
#[test]
fn a_canary_that_sleeps_does_not_prove_itself() {
    let mut server = Server::started(on_probation(settings(4)));
    let canary = server.canary();
    server.ready(canary);
    server.settle(); // its predecessor goes
    server.now += secs(3_600);
    server.tell(Event::Leapt(secs(3_600)));
    assert_eq!(server.spawned(), []);
    server.wait(secs(5));
    assert_eq!(server.spawned().len(), 1, "five seconds awake are enough");
}

#[test]
fn a_mold_that_stands_still_is_killed_and_replaced() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    let pid = server.pid(mold);
    server.tell(Event::Stopped { pid });
    server.wait(ms(999));
    server.tell(Event::Continued { pid });
    server.wait(secs(10));
    assert_eq!(server.killed(), [], "it may have been a debugger");
    server.tell(Event::Stopped { pid });
    server.wait(secs(1));
    assert_eq!(server.killed(), [mold]);
    server.assert_logged(&format!(
        "mold gen=0 pid={pid} was stopped by a signal: killed"
    ));
    server.crashes(mold);
    let asked = server.promoted();
    server.becomes(asked);
    server.settle();
    assert_eq!(server.generations(), [1, 1]);
}

#[test]
fn a_worker_that_stands_still_gets_a_replacement() {
    let mut server = Server::started(settings(2));
    let worker = server.worker(1);
    let pid = server.pid(worker);
    server.tell(Event::Stopped { pid });
    server.wait(secs(1));
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} was stopped by a signal: replacing it"
    ));
    let fresh = server.spawned()[0];
    assert_eq!((fresh.nr, server.retired()), (1, vec![]));
    server.ready(fresh.ticket);
    assert_eq!((server.retired(), server.killed()), (vec![worker], vec![]));
}

#[test]
fn whoever_stands_still_is_not_promoted() {
    let mut server = Server::started(settings(2));
    let worker = server.worker(0);
    server.serves(worker, 1_000);
    let pid = server.pid(worker);
    server.tell(Event::Stopped { pid });
    server.tell(Event::Refork);
    assert_eq!(server.promoted().worker, server.worker(1));
}

/// It was killed already, and not reaped yet.
#[test]
fn nobody_is_promoted_on_his_way_out() {
    let mut server = Server::started(settings(2));
    let (mold, worker) = (server.mold(), server.worker(0));
    server.serves(worker, 1_000);
    server.is_busy(worker, secs(20));
    server.wait(secs(22));
    assert_eq!(server.killed(), [worker]);
    server.crashes(mold);
    assert_eq!(server.promoted().worker, server.worker(1));
}

//! What the supervisor does for service workers, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Role, Settings};
use story::{STOP, Server, ms, secs, settings};

fn with_services(names: &[&str]) -> Settings {
    Settings {
        services: names.iter().map(|name| (*name).into()).collect(),
        ..settings(2)
    }
}

fn names(server: &Server) -> Vec<String> {
    let services = (server.supervisor.processes().iter()).filter(|p| p.role == Role::Service);
    services
        .filter_map(|p| p.name.as_deref().map(String::from))
        .collect()
}

#[test]
fn they_are_forked_by_the_mold() {
    let mut server = Server::started(with_services(&["cron", "queue"]));
    assert_eq!(names(&server), ["cron", "queue"]);
    let service = server.service("cron");
    let seat = |p: &pitchfork_core::supervisor::Process| (p.seat.nr, p.seat.service);
    let process = server
        .supervisor
        .processes()
        .iter()
        .find(|p| p.ticket() == service);
    assert_eq!(process.map(seat), Some((0, true)));
    assert_eq!(server.supervisor.ready_workers(), 2, "they are no workers");
    let pid = server.pid(service);
    server.tell(STOP);
    assert!(server.retired().contains(&service));
    server.dies(service, ExitStatus::Exited(0));
    server.assert_logged(&format!("service=cron gen=0 pid={pid} retired"));
}

#[test]
fn they_serve_no_requests_and_are_never_promoted() {
    let mut server = Server::new(with_services(&["cron"]));
    server.tell(Event::Start);
    let mold = server.booted();
    server.ready(mold);
    let seats = server.spawned();
    let service = seats
        .iter()
        .find(|seat| seat.service)
        .expect("a service worker");
    server.ready(service.ticket);
    let orders = [Action::Listen, Action::Serve(service.ticket)];
    assert!(!server.last.iter().any(|action| orders.contains(action)));
    for seat in seats.iter().filter(|seat| !seat.service) {
        server.ready(seat.ticket);
    }
    server.serves(service.ticket, 1_000_000);
    server.tell(Event::Refork);
    assert_ne!(server.promoted().worker, service.ticket);
}

#[test]
fn one_that_dies_comes_back_later_and_later() {
    let mut server = Server::started(with_services(&["cron"]));
    let mut service = server.service("cron");
    server.crashes(service);
    let fresh = server.spawned();
    assert_eq!(fresh.len(), 1, "it had worked for a while");
    service = fresh[0].ticket;
    for pause in [100, 500, 1_000, 2_000] {
        server.ready(service);
        server.crashes(service);
        server.wait(ms(pause - 1));
        assert_eq!(server.spawned(), [], "before {pause} ms");
        server.wait(ms(1));
        service = server.spawned()[0].ticket;
    }
    assert_eq!(
        server.supervisor.ready_workers(),
        2,
        "the workers don't care"
    );
}

/// A scheduler that runs twice does everything twice.
#[test]
fn in_a_rollout_the_old_one_goes_before_the_new_one_comes() {
    let mut server = Server::started(with_services(&["cron"]));
    let service = server.service("cron");
    let canary = server.canary();
    server.ready(canary);
    server.roll_until(1, 2);
    assert!(server.retired().contains(&service));
    assert!(server.spawned().is_empty());
    server.dies(service, ExitStatus::Exited(0));
    let fresh = server.spawned();
    assert_eq!(
        (fresh.len(), fresh[0].generation, fresh[0].service),
        (1, 1, true)
    );
}

/// The new list gave the name another number, and so there were two of it for a moment.
#[test]
fn a_hot_restart_may_change_their_order() {
    let mut server = Server::started(with_services(&["queue"]));
    let queue = server.service("queue");
    let mold = server.restart(2, with_services(&["cron", "queue"]));
    server.ready(mold);
    let canary = server.spawned();
    server.ready(canary[0].ticket);
    let is_queue = |server: &Server| names(server).iter().filter(|name| *name == "queue").count();
    assert_eq!(is_queue(&server), 1);
    assert!(server.retired().contains(&queue));
    server.dies(queue, ExitStatus::Exited(0));
    server.settle();
    assert_eq!(names(&server), ["cron", "queue"]);
}

#[test]
fn a_hot_restart_may_do_without_them() {
    let mut server = Server::started(with_services(&["cron"]));
    let service = server.service("cron");
    let mold = server.restart(2, with_services(&[]));
    server.ready(mold);
    server.wait(secs(1));
    assert_eq!(names(&server), ["cron"], "nothing has proved itself yet");
    let canary = server.spawned();
    server.ready(canary[0].ticket);
    assert!(server.retired().contains(&service));
    server.dies(service, ExitStatus::Exited(0));
    server.settle();
    assert_eq!(names(&server), [""; 0]);
}

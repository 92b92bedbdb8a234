//! What the supervisor does when molds and promotions fail, told as stories.

mod story;

use pitchfork_core::supervisor::{Action, Event, ExitStatus, Promotion, Settings};
use pitchfork_core::wire::{Refusal, Ticket};
use story::{Server, ms, secs, settings};

/// The stuck mold was killed, but asked to fork on until it was reaped.
#[test]
fn a_mold_stuck_in_fork_is_killed_and_replaced() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    server.tell(Event::AddWorker);
    let unborn = server.spawned()[0].ticket;
    server.wait(secs(10));
    assert!(server.last.contains(&Action::Forget(unborn)));
    assert_eq!(server.killed(), [mold]);
    let pid = server.pid(mold);
    server.assert_logged(&format!(
        "mold gen=0 pid={pid} did not fork in 10.000s: killed"
    ));
    assert!(server.spawned().is_empty(), "the dead are not asked");
    let asked = server.promoted();
    server.crashes(mold);
    server.becomes(asked);
    server.settle();
    assert_eq!(server.generations(), [1, 1, 1]);
}

#[test]
fn a_refusal_goes_to_the_next_candidate() {
    let mut server = Server::started(settings(3));
    for nr in 0..3 {
        let worker = server.worker(nr);
        server.serves(worker, 100 - u64::from(nr));
    }
    server.tell(Event::Refork);
    let reasons = [Refusal::Threads, Refusal::NotForkSafe, Refusal::Threads];
    for (nr, reason) in (0..).zip(reasons) {
        let asked = server.promoted();
        assert_eq!(
            asked.worker,
            server.worker(nr),
            "the one that has served most"
        );
        server.tell(Event::Refused {
            ticket: asked.mold,
            reason,
        });
    }
    let pid = server.pid(server.worker(1));
    server.assert_logged(&format!(
        "worker=1 gen=0 pid={pid} can't be promoted: it is no longer fork safe"
    ));
    server.assert_logged(
        "refork to gen=1 failed: it has other threads, and promotion is :in_place; no other worker can be promoted",
    );
    server.wait(secs(3_600));
    assert!(server.promotions().is_empty());
    server.tell(Event::Refork);
    server.assert_logged("refork requested, but no worker can be promoted");
}

/// One failed hook, and the only worker could never be promoted again.
#[test]
fn a_hook_that_failed_may_work_the_next_time() {
    let mut server = Server::started(settings(1));
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::Refused {
        ticket: asked.mold,
        reason: Refusal::Failed,
    });
    server.assert_logged("refork to gen=1 failed: a hook or the fork failed; next attempt in 5.0s");
    server.wait(secs(5));
    let again = server.promoted();
    server.ready(again.mold);
    server.settle();
    assert_eq!(server.generations(), [1]);
}

/// The candidate that had failed was the one that had served most, so it was asked for ever.
#[test]
fn after_a_failed_promotion_another_worker_is_asked() {
    let mut server = Server::started(Settings {
        promotion: Promotion::Fork,
        ..settings(2)
    });
    let worker = server.worker(0);
    server.serves(worker, 1000);
    server.tell(Event::Refork);
    let asked = server.promoted();
    assert_eq!(asked.worker, worker);
    server.born(asked.mold);
    server.dies(asked.mold, ExitStatus::Exited(1));
    server.assert_logged("refork to gen=1 failed: it exited with status 1; next attempt in 5.0s");
    server.wait(secs(5));
    assert_eq!(server.promoted().worker, server.worker(1));
}

/// Each try took longer than the two quiet seconds after which failures were forgotten, so the pause never grew.
#[test]
fn reforks_that_fail_slowly_are_tried_less_and_less_often() {
    let mut server = Server::started(settings(1));
    server.tell(Event::Refork);
    for pause in [5, 10, 20, 40] {
        let worker = server.promoted().worker;
        server.is_busy(worker, secs(600));
        server.wait(secs(10));
        let line = format!(
            "refork to gen=1 failed: nothing heard of it in 10.000s; next attempt in {pause}.0s"
        );
        server.assert_logged(&line);
        server.wait(secs(pause));
    }
}

#[test]
fn an_idle_worker_that_does_not_answer_is_replaced() {
    let mut server = Server::started(settings(1));
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.wait(secs(10));
    let line =
        "worker=0 gen=0 pid=102 is at no request and did not answer in 10.000s: replacing it";
    server.assert_logged(line);
    let replacement = server.spawned()[0].ticket;
    server.ready(replacement);
    assert_eq!(server.retired(), [asked.worker]);
    server.wait(secs(6)); // the next attempt is somebody else's
    assert_eq!(server.promoted().worker, replacement);
}

/// The answer and the end of the new channel come on two channels, in any order.
#[test]
fn a_refusal_that_comes_after_the_end_of_the_channel_still_counts() {
    let mut server = Server::started(settings(2));
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.tell(Event::Closed { ticket: asked.mold });
    server.tell(Event::Refused {
        ticket: asked.mold,
        reason: Refusal::NotForkSafe,
    });
    assert_ne!(server.promoted().worker, asked.worker);
}

/// The time that a mold may take to prepare itself counted from when its worker was asked, which may have been busy.
#[test]
fn a_busy_worker_has_its_time_to_become_a_mold() {
    let mut server = Server::started(settings(4));
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.wait(secs(9));
    let pid = server.pid(asked.worker);
    server.hello(asked.mold, pid);
    server.wait(secs(9));
    assert!(server.killed().is_empty());
    server.ready(asked.mold);
    server.assert_logged(&format!("mold gen=1 pid={pid} ready in 9.000s"));
}

/// A server with a new mold that has not shown yet that its workers live. The canary has said hello.
fn with_canary(settings: Settings) -> (Server, Ticket) {
    let mut server = Server::started(settings);
    server.tell(Event::Refork);
    let asked = server.promoted();
    server.ready(asked.mold);
    let canary = server.spawned();
    assert_eq!(canary.len(), 1);
    server.hello(canary[0].ticket, 77);
    (server, canary[0].ticket)
}

#[test]
fn when_the_canary_dies_the_old_generation_serves_on() {
    // The old workers are all there: that is no reason to give up.
    let limit = Some(1);
    let (mut server, canary) = with_canary(Settings {
        promotion: Promotion::Fork,
        max_consecutive_spawn_errors: limit,
        ..settings(4)
    });
    let new = server.mold();
    server.dies(canary, ExitStatus::Signaled(11));
    assert_eq!(server.retired(), [new]);
    server.assert_logged(
        "refork to gen=1 failed: worker=0 gen=1 pid=77 did not become ready: it died of SIGSEGV; next attempt in 5.0s",
    );
    server.dies(new, ExitStatus::Exited(0));
    assert_eq!(server.generations(), [0, 0, 0, 0]);
    server.wait(secs(5));
    let again = server.promoted();
    assert_eq!(again.generation, 2);
    server.ready(again.mold);
    server.settle();
    assert_eq!(server.generations(), [2, 2, 2, 2]);
}

/// A canary that died at its first request, just after it was ready, did not stop the rollout.
#[test]
fn a_canary_that_dies_just_after_it_is_ready_ends_the_rollout() {
    let (mut server, canary) = with_canary(Settings {
        promotion: Promotion::Fork,
        ..settings(4)
    });
    let new = server.mold();
    server.ready(canary);
    server.wait(ms(100));
    server.crashes(canary);
    assert!(server.retired().contains(&new));
    server.assert_logged(
        "refork to gen=1 failed: worker=0 gen=1 pid=77 died of SIGKILL; next attempt in 5.0s",
    );
}

/// Once the canary had sung, nothing woke the other empty numbers, where a rollout removes before it adds.
#[test]
fn all_empty_numbers_are_filled_once_the_canary_is_ready() {
    let settings = Settings {
        max_unavailable: Some(1),
        promotion: Promotion::Fork,
        ..settings(3)
    };
    let mut server = Server::started(settings);
    let lost = [server.worker(1), server.worker(2)];
    server.tell(Event::Refork);
    let asked = server.promoted();
    let mold = server.mold();
    server.crashes(mold);
    for worker in lost {
        server.crashes(worker);
    }
    server.ready(asked.mold);
    let canary = server.spawned();
    assert_eq!(canary.len(), 1);
    server.ready(canary[0].ticket);
    assert_eq!(server.spawned().len(), 1);
}

#[test]
fn a_mold_that_dies_in_its_rollout_leaves_the_field_to_the_old_one() {
    let (mut server, canary) = with_canary(Settings {
        promotion: Promotion::Fork,
        ..settings(4)
    });
    let new = server.mold();
    server.ready(canary);
    server.roll_until(1, 2);
    server.crashes(new);
    let pid = server.pid(new);
    server.assert_logged(&format!("mold gen=1 pid={pid} died of SIGKILL"));
    server.assert_logged("refork to gen=1 failed: its mold died of SIGKILL; next attempt in 5.0s");
    server.settle();
    assert!(server.mold() < new);
    server.wait(secs(5));
    let again = server.promoted();
    server.ready(again.mold);
    server.settle();
    assert_eq!(server.generations(), [2, 2, 2, 2]);
}

#[test]
fn a_lost_mold_is_replaced_by_a_worker() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    server.crashes(mold);
    let asked = server.promoted();
    server.becomes(asked);
    server.settle();
    assert_eq!(server.generations(), [1, 1]);
    server.wait(secs(3_600));
    assert!(server.promotions().is_empty(), "once is enough");
}

/// The wish for a refork outlived the refork it led to, so that a second one followed.
#[test]
fn the_promotion_after_a_lost_mold_is_the_refork_that_was_wished_for() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    server.crashes(mold);
    let first = server.promoted();
    server.tell(Event::Refused {
        ticket: first.mold,
        reason: Refusal::NotForkSafe,
    });
    let second = server.promoted();
    server.becomes(second);
    server.settle();
    server.wait(secs(3_600));
    assert!(server.promotions().is_empty());
}

#[test]
fn a_lost_mold_is_booted_again_where_no_worker_can_be_promoted() {
    let mut server = Server::started(settings(2));
    let mold = server.mold();
    server.crashes(mold);
    let asked = server.promoted();
    server.all_refuse(asked, Refusal::NotForkSafe);
    let boot = server.booted();
    server.ready(boot);
    assert_eq!(
        server.generations(),
        [0, 0],
        "warm workers are not replaced by cold ones"
    );
    let worker = server.worker(0);
    server.crashes(worker);
    server.settle();
    assert_eq!(server.generations(), [1, 0]);
}

/// It was waited for without an end, and meanwhile no worker that died was replaced.
#[test]
fn a_mold_that_hangs_while_it_is_booted_again_is_killed() {
    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let first = server.booted();
    server.born(first);
    server.wait(secs(3_600)); // nothing is known of this app yet
    assert!(server.killed().is_empty());

    let mut server = Server::new(settings(2));
    server.tell(Event::Start);
    let first = server.booted();
    server.born(first);
    server.wait(secs(20));
    server.ready(first);
    server.settle();
    server.wait(secs(60));
    server.crashes(first);
    let asked = server.promoted();
    server.all_refuse(asked, Refusal::NotForkSafe);
    let hung = server.booted();
    server.born(hung);
    server.wait(secs(10 + 4 * 20 - 1));
    assert!(server.killed().is_empty());
    server.wait(secs(1));
    assert_eq!(server.killed(), [hung]);
    server.crashes(hung);
    let worker = server.worker(0);
    server.crashes(worker);
    while !server.wants_boot() {
        server.wait(secs(1));
    }
    let next = server.booted();
    server.ready(next);
    server.settle();
    assert_eq!(server.supervisor.ready_workers(), 2);
}

/// A mold that always died right after it was ready was replaced by the next promotion at once, and again, and again.
#[test]
fn molds_that_die_at_once_are_not_replaced_at_once_for_ever() {
    let mut server = Server::started(Settings {
        promotion: Promotion::Fork,
        ..settings(2)
    });
    let mut mold = server.mold();
    let (mut promoted, mut booted) = (0, 0);
    for _ in 0..8 {
        server.crashes(mold);
        let before = server.now;
        mold = loop {
            if let Some(asked) = server.promotions().pop() {
                promoted += 1;
                break asked.mold;
            }
            if server.wants_boot() {
                booted += 1;
                break server.booted();
            }
            server.wait(ms(100));
            assert!(server.now < before + secs(60), "no mold any more");
        };
        server.ready(mold);
    }
    assert!(
        promoted >= 3 && booted >= 3,
        "{promoted} promoted, {booted} booted: it tries both"
    );
    assert!(server.now > secs(1_060 + 3), "it waits longer and longer");
}

/// The workers that a dying mold was to fork counted as failed spawns: the server stopped because a mold died.
#[test]
fn the_server_does_not_stop_because_a_mold_died() {
    for early in [true, false] {
        let limit = Some(2);
        let mut server = Server::started(Settings {
            max_consecutive_spawn_errors: limit,
            ..settings(4)
        });
        let mold = server.mold();
        let workers = [server.worker(2), server.worker(3)];
        for worker in workers {
            server.crashes(worker);
        }
        let unborn = server.spawned();
        if early {
            // The orders could not even be sent: EPIPE.
            for seat in &unborn {
                server.tell(Event::ForkFailed {
                    ticket: seat.ticket,
                    errno: 32,
                });
            }
            assert!(
                server.spawned().is_empty(),
                "it would be asked again and again"
            );
        }
        server.tell(Event::Closed { ticket: mold });
        for seat in &unborn {
            server.tell(Event::Closed {
                ticket: seat.ticket,
            });
        }
        server.crashes(mold);
        assert!(!server.supervisor.is_stopping());
        let asked = server.promoted();
        server.becomes(asked);
        server.settle();
        assert_eq!(server.generations(), [1, 1, 1, 1]);
    }
}

/// All forks were asked for at once: with a large heap the last one was late, and the healthy mold was killed for it.
#[test]
fn a_slow_mold_is_not_taken_for_a_stuck_one() {
    let mut server = Server::new(settings(40));
    server.tell(Event::Start);
    let mold = server.booted();
    server.ready(mold);
    let mut unborn = server.spawned();
    while !unborn.is_empty() {
        assert!(unborn.len() <= 8, "{} at once", unborn.len());
        server.wait(secs(1));
        let seat = unborn.remove(0);
        server.ready(seat.ticket);
        unborn.extend(server.spawned());
    }
    assert!(server.killed().is_empty());
    assert_eq!(server.supervisor.ready_workers(), 40);
}

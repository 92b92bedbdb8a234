//! Whether the simulator finds bugs that are there for sure.

use pitchfork_core::planted::{Bug, plant};

use crate::driver::Findings;

/// How many events each has to show itself.
const EVENTS: u64 = 100_000;

fn assert_found(bug: Bug, expected: &str) {
    assert_found_in(Findings::default(), bug, expected);
}

fn assert_found_in(mut findings: Findings, bug: Bug, expected: &str) {
    plant(bug);
    for seed in 1.. {
        if let Err(failure) = findings.add(seed) {
            assert!(failure.fault.contains(expected), "{bug:?}: {failure}");
            return;
        }
        assert!(
            findings.events < EVENTS,
            "{bug:?} was not found in {EVENTS} events"
        );
    }
}

#[test]
fn forgotten_spawns_are_found() {
    assert_found(Bug::ForgetsTheUnborn, "its row is taken");
}

#[test]
fn trust_without_a_canary_is_found() {
    assert_found(Bug::TrustsAtOnce, "whose canary has not proved itself");
}

#[test]
fn missing_workers_are_found() {
    assert_found(Bug::RetiresFirst, "were promised");
}

#[test]
fn spinning_is_found() {
    assert_found(Bug::NeverWaits, "again and again");
}

#[test]
fn shared_rows_are_found() {
    assert_found(Bug::GivesRowsAwayTwice, "its row is taken");
}

#[test]
fn killed_sleepers_are_found() {
    assert_found(Bug::BlamesSleepers, "not true");
}

#[test]
fn reforks_without_a_pause_are_found() {
    assert_found_in(
        Findings::by_memory(),
        Bug::ReforksAgain,
        "too soon one after the other",
    );
}

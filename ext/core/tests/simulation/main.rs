//! Lives of whole servers, simulated: the real supervisor among virtual processes on a virtual kernel, where all that can fail
//! does. Time is virtual, and everything comes from one seed, so a life that went wrong can be lived again.
//!
//! `cargo test` lives a few thousand events; `rake simulate` a million, from seeds that nobody has tried. A seed that was a
//! finding is kept in `seeds.txt`.
//!
//! * `plan`: what operators, clients and bad luck do; `fault`: how often
//! * `kernel`, `process`, `life`, `requests`: what virtual processes do, and what the kernel promises them; `memory`: what they have
//! * `world`: the supervisor and all that surrounds it
//! * `books`: what must hold after each event; `ending`: what must be in the end
//! * `driver`: many lives

mod agenda;
mod books;
mod dice;
mod driver;
mod ending;
mod fault;
mod kernel;
mod life;
mod memory;
mod plan;
#[cfg(feature = "planted-bugs")]
mod planted;
mod process;
mod requests;
mod world;

use std::time::{Duration, Instant};

use driver::Findings;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A number from the environment, for `rake simulate`.
fn asked_for(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {value:?}, and should be a number")),
    )
}

fn live(findings: &mut Findings, seed: u64) {
    if let Err(failure) = findings.add(seed) {
        panic!("{failure}");
    }
}

/// So many events, `SIMULATE_EVENTS`, from lives that begin with the seed `SIMULATE_FROM`; or the one life of `SIMULATE_SEED`.
#[test]
fn servers_live_and_end() {
    let (mut findings, began) = (Findings::by_memory(), Instant::now());
    if let Some(seed) = asked_for("SIMULATE_SEED") {
        live(&mut findings, seed);
    } else {
        let events = asked_for("SIMULATE_EVENTS").unwrap_or(60_000);
        let first = asked_for("SIMULATE_FROM").unwrap_or(1);
        let mut seeds = first..;
        while findings.events < events {
            live(&mut findings, seeds.next().expect("more seeds than time"));
        }
    }
    let (events, seeds, took) = (findings.events, findings.seeds, began.elapsed());
    let speed = events as f64 / took.as_secs_f64();
    println!("{events} events in the lives of {seeds} servers, in {took:.1?}: {speed:.0} events/s");
    println!(
        "what has happened to them, and (~) what the supervisor has counted:\n{}",
        findings.tally
    );
}

/// Every seed that was a finding once.
#[test]
fn what_was_found_stays_mended() {
    let seeds = include_str!("seeds.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    for line in seeds {
        let (seed, why) = line.split_once(' ').expect("a seed and why it is here");
        let seed = seed
            .parse()
            .unwrap_or_else(|_| panic!("{seed:?}, and should be a number"));
        if let Err(failure) = Findings::default().add(seed) {
            panic!("{failure}\nwhich was: {why}");
        }
    }
}

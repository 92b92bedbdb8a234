//! Counting what happened, and saying it.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::exchange::{NAMES, Outcome};

/// A request that ended as expected.
pub struct Answer {
    /// Milliseconds from the start of the load to its end.
    pub at: u32,
    /// Microseconds from connect to end of file.
    pub took: u32,
}

/// What one thread saw; merged at the end, so that the threads share nothing while they measure.
#[derive(Default)]
pub struct Tally {
    pub counts: [u64; NAMES.len()],
    pub answers: Vec<Answer>,
    pub first_failure: Option<String>,
}

impl Tally {
    /// A request ended, `at` after the start of the load.
    pub fn add(
        &mut self,
        outcome: Outcome,
        at: Duration,
        latency: Duration,
        describe: impl FnOnce() -> String,
    ) {
        self.counts[outcome as usize] += 1;
        if outcome == Outcome::Ok {
            self.answers.push(Answer {
                at: u32::try_from(at.as_millis()).unwrap_or(u32::MAX),
                took: u32::try_from(latency.as_micros()).unwrap_or(u32::MAX),
            });
        } else if self.first_failure.is_none() {
            self.first_failure = Some(describe());
        }
    }

    pub fn merge(mut self, other: Self) -> Self {
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(sum, count)| *sum += count);
        self.answers.extend(other.answers);
        self.first_failure = self.first_failure.or(other.first_failure);
        self
    }
}

pub struct Report {
    pub tally: Tally,
    pub began: SystemTime,
    pub seconds: f64,
}

impl Report {
    fn requests(&self) -> u64 {
        self.tally.counts.iter().sum()
    }

    pub fn all_ok(&self) -> bool {
        self.requests() > 0 && self.tally.counts[Outcome::Ok as usize] == self.requests()
    }

    fn rate(&self) -> f64 {
        self.requests() as f64 / self.seconds
    }

    /// Milliseconds within which the given share of the answered requests was answered.
    fn quantile(&self, share: f64) -> f64 {
        let rank = (self.tally.answers.len().saturating_sub(1) as f64 * share).round() as usize;
        self.tally
            .answers
            .get(rank)
            .map_or(0.0, |answer| f64::from(answer.took) / 1e3)
    }

    /// A line for each request that ended as expected, in no particular order.
    pub fn timeline(&self) -> String {
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut lines = String::new();
        for answer in &self.tally.answers {
            let at = began.as_millis() + u128::from(answer.at);
            writeln!(lines, "{at} {}", answer.took).expect("a String takes everything");
        }
        lines
    }

    pub fn text(&self) -> String {
        let counts: Vec<_> = NAMES
            .iter()
            .zip(self.tally.counts)
            .map(|((name, _), n)| format!("{name}: {n}"))
            .collect();
        format!(
            "{} requests in {:.2} s: {:.0} requests/s\nlatency p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms\n{}",
            self.requests(),
            self.seconds,
            self.rate(),
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(1.0),
            counts.join(", ")
        )
    }

    pub fn json(&self) -> String {
        let counts: Vec<_> = NAMES
            .iter()
            .zip(self.tally.counts)
            .map(|((_, key), n)| format!("\"{key}\":{n}"))
            .collect();
        format!(
            "{{\"requests\":{},\"seconds\":{:.3},\"rate\":{:.1},\"p50_ms\":{:.3},\"p99_ms\":{:.3},\"max_ms\":{:.3},\"outcomes\":{{{}}}}}",
            self.requests(),
            self.seconds,
            self.rate(),
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(1.0),
            counts.join(",")
        )
    }
}

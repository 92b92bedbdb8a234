//! How a generation's private memory grows with the requests it serves.

use std::time::Duration;

/// Growth over requests, both a mean over the workers. Never falls: memory that is given back now and then says nothing about
/// sharing.
///
/// Warm-up is a matter of requests and not of hours, so that the curves of two generations can be compared whatever the
/// traffic was. The points lie ever farther apart, so there are few of them.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    at: Duration,
    requests: f64,
    growth: f64,
}

impl Curve {
    /// A point is kept when there are so many times the requests of the one before.
    const STEP: f64 = 1.15;

    /// When the second half of the requests has brought no more than this share of the growth, warm-up is over.
    const REST: f64 = 0.2;

    /// Fewer requests say nothing.
    const FEWEST: f64 = 10.0;

    /// Takes in where the workers are now. Fewer requests than before (some workers are new) change nothing.
    pub fn note(&mut self, at: Duration, requests: f64, growth: f64) {
        if requests < self.requests() {
            return;
        }
        let growth = self.growth().max(growth);
        let is_far = match self.points[..] {
            [] => true,
            [first] => first.requests < requests,
            [.., before, last] => {
                let far = (before.requests * Self::STEP).max(before.requests + 1.0);
                last.requests >= far && last.requests < requests
            }
        };
        if !is_far {
            self.points.pop();
        }
        self.points.push(Point {
            at,
            requests,
            growth,
        });
    }

    /// How many requests it reaches.
    pub fn requests(&self) -> f64 {
        self.points.last().map_or(0.0, |p| p.requests)
    }

    /// How far it has grown.
    pub fn growth(&self) -> f64 {
        self.points.last().map_or(0.0, |p| p.growth)
    }

    /// How far it had grown after so many requests. `None`: it does not reach so far.
    pub fn at(&self, requests: f64) -> Option<f64> {
        let next = self.points.partition_point(|p| p.requests < requests);
        let right = self.points.get(next)?;
        let Some(left) = next.checked_sub(1).map(|index| self.points[index]) else {
            return Some(right.growth);
        };
        let share = (requests - left.requests) / (right.requests - left.requests);
        Some(left.growth + share * (right.growth - left.growth))
    }

    /// Whether warm-up is over: growth has all but ended.
    pub fn is_flat(&self) -> bool {
        let half = self.at(self.requests() / 2.0).unwrap_or(0.0);
        self.requests() >= Self::FEWEST && half >= (1.0 - Self::REST) * self.growth()
    }

    /// Growth a minute, over the last minute or more.
    pub fn slope(&self) -> f64 {
        const MINUTE: Duration = Duration::from_secs(60);
        let Some(last) = self.points.last() else {
            return 0.0;
        };
        let long_ago = |p: &&Point| p.at + MINUTE <= last.at;
        let then = (self.points.iter().rev().find(long_ago)).or(self.points.first());
        let minutes = then.map_or(0.0, |then| (last.at - then.at).as_secs_f64() / 60.0);
        if minutes == 0.0 {
            return 0.0;
        }
        (last.growth - then.map_or(0.0, |then| then.growth)) / minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(growth: impl Fn(f64) -> f64, requests: u32) -> Curve {
        let mut curve = Curve::default();
        for n in 0..=requests {
            let at = Duration::from_secs(n.into());
            curve.note(at, n.into(), growth(n.into()));
        }
        curve
    }

    fn assert_near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 0.02 * expected,
            "{found}, not {expected}"
        );
    }

    #[test]
    fn a_line_is_reproduced_from_few_points() {
        let curve = curve(|x| 3.0 * x, 10_000);
        assert!(curve.points.len() < 80, "{} points", curve.points.len());
        for x in [0.0, 1.0, 17.5, 800.0, 9_999.0, 10_000.0] {
            assert_near(curve.at(x).expect("it reaches so far"), 3.0 * x);
        }
        assert_eq!(curve.at(10_001.0), None);
    }

    #[test]
    fn lines_never_end_and_warm_up_does() {
        assert!(!curve(|x| x, 10_000).is_flat());
        assert!(!curve(f64::sqrt, 10_000).is_flat());
        let warm_up = |x: f64| 100.0 * (1.0 - (-x / 100.0).exp());
        assert!(!curve(warm_up, 100).is_flat());
        assert!(curve(warm_up, 400).is_flat());
    }

    #[test]
    fn a_few_requests_prove_nothing() {
        assert!(!curve(|x| x.min(2.0), 9).is_flat());
        assert!(curve(|x| x.min(2.0), 10).is_flat());
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let curve = curve(|x| x % 100.0, 1_000);
        assert_near(curve.growth(), 99.0);
        assert!(curve.is_flat());
    }

    #[test]
    fn replaced_workers_do_not_turn_it_back() {
        let mut curve = curve(|x| x, 100);
        curve.note(Duration::from_secs(200), 50.0, 50.0);
        assert_near(curve.at(75.0).expect("it reached 100"), 75.0);
        assert_near(curve.requests(), 100.0);
    }

    #[test]
    fn the_slope_is_that_of_the_last_minutes() {
        assert_near(curve(|x| 2.0 * x, 600).slope(), 120.0);
        assert_near(curve(|x| 1000.0 + x.max(300.0), 1200).slope(), 60.0);
        assert!(curve(|_| 5.0, 600).slope().abs() < f64::EPSILON);
        assert!(Curve::default().slope().abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_was_noted() {
        let curve = Curve::default();
        assert_eq!((curve.at(0.0), curve.is_flat()), (None, false));
    }
}

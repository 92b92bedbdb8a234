//! The policy at work: a virtual server whose workers are measured one after the other, and reforked when it says so.

use std::time::Duration;

use pitchfork_core::policy::{Advice, Look, Sharing};

use crate::app::App;

const MIB: f64 = (1 << 20) as f64;

/// The least time between two reforks.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// One worker is measured in so many seconds.
const STEP: u64 = 5;

pub const HOUR: u64 = 3600;
pub const DAY: u64 = 24 * HOUR;

/// What has become of it.
pub struct Life {
    /// When it was reforked, in seconds since the start.
    pub reforks: Vec<u64>,
    /// What the log says.
    pub log: Vec<String>,
    /// Private MiB since the fork at the end, the mean of the workers.
    pub growth: f64,
}

#[derive(Clone, Copy, Default)]
struct Worker {
    requests: f64,
    /// Requests and growth when it was last measured.
    measured: (f64, f64),
}

/// Lives for so many seconds.
pub fn live(app: &App, seconds: u64) -> Life {
    let mut policy = Sharing::new(INTERVAL);
    let mut workers = vec![Worker::default(); app.rates.len()];
    let (mut generation, mut ready) = (0, 0);
    let mut life = Life {
        reforks: Vec::new(),
        log: Vec::new(),
        growth: 0.0,
    };
    for step in 0..seconds / STEP {
        for (worker, rate) in workers.iter_mut().zip(&app.rates) {
            worker.requests += rate * STEP as f64;
        }
        let second = step * STEP;
        let turn = step as usize % workers.len();
        let worker = &mut workers[turn];
        worker.measured = (worker.requests, (app.growth)(generation, worker.requests));
        if second < ready {
            continue;
        }
        let now = Duration::from_secs(second);
        if second == ready && generation > 0 {
            policy.rolled_out(now, Duration::from_secs(app.refork));
        }
        match policy.look(now, look(app, &workers, generation)) {
            Some(Advice::Refork(why)) => {
                life.reforks.push(second);
                life.log.push(format!("refork: {why}"));
                (generation, ready) = (generation + 1, second + app.refork);
                workers.fill(Worker::default());
            }
            Some(Advice::Keep(why)) => life.log.push(format!("no refork: {why}")),
            None => {}
        }
    }
    let growths = workers.iter().map(|w| (app.growth)(generation, w.requests));
    life.growth = growths.sum::<f64>() / workers.len() as f64;
    life
}

fn look(app: &App, workers: &[Worker], generation: u32) -> Look {
    let count = workers.len() as f64;
    let requests: f64 = workers.iter().map(|w| w.measured.0).sum();
    let growth: f64 = workers.iter().map(|w| w.measured.1).sum();
    Look {
        workers: workers.len() as u32,
        requests: requests / count,
        growth: growth / count * MIB,
        pss: ((growth + app.shared) * MIB) as u64,
        next: generation + 1,
    }
}

impl Life {
    /// However the curve is: the time between two reforks doubles each time, until it is a day and a half; and it is a hundred times as
    /// long as one takes.
    pub fn assert_bounded(&self, app: &App) {
        let longest = 2048 * INTERVAL.as_secs();
        let mut doubled = INTERVAL.as_secs();
        let mut least = doubled;
        let mut last = 0;
        for at in &self.reforks {
            assert!(at - last >= least, "after {}s: {:?}", at - last, self.log);
            (last, doubled) = (*at, (2 * doubled).min(longest));
            least = doubled.max((100 * app.refork).min(longest));
        }
    }

    /// No more than one line for each decision.
    pub fn assert_terse(&self) {
        assert!(
            self.log.len() <= 2 * self.reforks.len() + 1,
            "{:#?}",
            self.log
        );
    }
}

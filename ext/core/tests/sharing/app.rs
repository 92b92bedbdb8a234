//! Applications whose workers un-share memory by a known curve.

use std::collections::BTreeMap;

/// MiB of private memory that a worker has since its fork: of this generation, after so many requests, served when so many
/// requests had been served in all.
type Growth = Box<dyn Fn(u32, f64) -> f64>;

/// An application, and what it is asked.
pub struct App {
    pub growth: Growth,
    /// What all workers share, in MiB.
    pub shared: f64,
    /// Requests a second, of each worker.
    pub rates: Vec<f64>,
    /// So long a refork takes, in seconds.
    pub refork: u64,
}

impl App {
    /// So many workers, which get the same traffic.
    pub fn new(workers: usize, growth: impl Fn(u32, f64) -> f64 + 'static) -> App {
        App {
            growth: Box::new(growth),
            shared: 80.0,
            rates: vec![2.0; workers],
            refork: 10,
        }
    }

    /// One that was measured: lines of a generation, a number of requests, and private MiB. Later generations are like the
    /// last one, more requests change nothing.
    pub fn recorded(workers: usize, csv: &str) -> App {
        let curves = Recorded::parse(csv);
        App::new(workers, move |generation, requests| {
            curves.growth(generation, requests)
        })
    }

    /// The same with another traffic.
    pub fn at(self, rates: impl Into<Vec<f64>>) -> App {
        let rates = rates.into();
        App { rates, ..self }
    }

    /// When all is warm, of this generation.
    pub fn settled(&self, generation: u32) -> f64 {
        (self.growth)(generation, 1e9)
    }
}

/// What bench/cow.rb's servers had on Ruby 3.3.8, with 4 workers and a refork after 2,000 requests each.
pub const RECORDED: [(&str, &str); 4] = [
    (
        "methods, YJIT",
        include_str!("../curves/methods-3.3.8-yjit.csv"),
    ),
    ("methods", include_str!("../curves/methods-3.3.8.csv")),
    (
        "Rails, YJIT",
        include_str!("../curves/rails-3.3.8-yjit.csv"),
    ),
    ("Rails", include_str!("../curves/rails-3.3.8.csv")),
];

struct Recorded {
    generations: BTreeMap<u32, Vec<(f64, f64)>>,
}

impl Recorded {
    fn parse(csv: &str) -> Recorded {
        let mut generations: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for line in csv.lines().skip(1) {
            let numbers: Vec<f64> = line
                .split(',')
                .map(|number| number.parse().expect("a number"))
                .collect();
            let [generation, requests, private] = numbers[..] else {
                panic!("three numbers, not {line:?}");
            };
            let curve = generations.entry(generation as u32).or_default();
            curve.push((requests, private));
        }
        Recorded { generations }
    }

    fn growth(&self, generation: u32, requests: f64) -> f64 {
        let known = self.generations.range(..=generation).next_back();
        let (_, curve) = known.expect("a curve of generation 0");
        let (_, first) = curve[0];
        let next = curve.partition_point(|(at, _)| *at < requests);
        let private = match (
            next.checked_sub(1).map(|index| curve[index]),
            curve.get(next),
        ) {
            (Some((_, last)), None) => last,
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (requests - x0) / (x1 - x0),
            (None, _) => first,
        };
        private - first
    }
}

//! `refork_when :sharing` against curves that were recorded, and against apps that would have a simpler policy refork for ever.

mod app;
mod life;

use app::{App, RECORDED};
use life::{DAY, HOUR, Life, live};

fn lived(app: &App, seconds: u64) -> Life {
    let life = live(app, seconds);
    life.assert_bounded(app);
    life.assert_terse();
    life
}

/// How much of what the best generation saves is saved in the end.
fn won(app: &App, life: &Life) -> f64 {
    let first = app.settled(0);
    let best = (1..9).map(|generation| app.settled(generation));
    let best = best.fold(f64::INFINITY, f64::min);
    (first - life.growth) / (first - best)
}

#[test]
fn on_the_recorded_curves_it_gets_what_there_is_and_stops() {
    for (name, csv) in RECORDED {
        for rate in [0.2, 2.0, 50.0] {
            let app = App::recorded(4, csv).at([rate; 4]);
            let life = lived(&app, DAY);
            let won = won(&app, &life);
            assert!(won >= 0.95, "{name}, {rate}/s: {won:.3} {:#?}", life.log);
            let count = life.reforks.len();
            assert!((1..=2).contains(&count), "{name}: {:#?}", life.log);
            let last = life.reforks[count - 1];
            assert!(last <= 2 * HOUR, "{name}, {rate}/s: {last}s");
        }
    }
}

#[test]
fn it_waits_until_warm_up_is_over() {
    let (_, csv) = RECORDED[0];
    let app = App::recorded(4, csv);
    let first = lived(&app, HOUR).reforks[0];
    let growth = (app.growth)(0, 2.0 * first as f64);
    assert!(
        growth >= 0.8 * app.settled(0),
        "at {growth:.1} MiB, {first}s"
    );
}

#[test]
fn the_log_says_why() {
    let (_, csv) = RECORDED[0];
    let life = lived(&App::recorded(4, csv), DAY);
    let [refork, keep] = &life.log[..] else {
        panic!("{:#?}", life.log);
    };
    let words = [
        "refork: ",
        " MiB per worker un-shared since the fork, slope ",
        " MiB/min: gen=1 would save about ",
    ];
    assert!(words.iter().all(|words| refork.contains(words)), "{refork}");
    let words = [
        "no refork: ",
        "gen=2 would save nothing (last one saved 2",
        " are worth it",
    ];
    assert!(words.iter().all(|words| keep.contains(words)), "{keep}");
}

/// What it costs is made up for before the next one, and it gets as much in the end.
#[test]
fn an_expensive_refork_makes_the_next_one_wait() {
    let warm_up = |generation: u32, requests: f64| {
        [200.0, 40.0, 30.0][generation.min(2) as usize] * (1.0 - (-requests / 100.0).exp())
    };
    let [cheap, dear] = [5, 60].map(|refork| {
        let app = App::new(4, warm_up);
        let app = App { refork, ..app };
        let life = lived(&app, DAY);
        assert!(won(&app, &life) >= 0.99, "{refork}s: {:#?}", life.log);
        assert_eq!(life.reforks.len(), 2, "{refork}s: {:#?}", life.log);
        life
    });
    let gap = |life: &Life| life.reforks[1] - life.reforks[0];
    assert!(gap(&cheap) < 1_000, "{:?}", cheap.reforks);
    assert!(gap(&dear) >= 60 + 100 * 60, "{:?}", dear.reforks);
    // The decision is said when it is made, and again when the time has come.
    let said = |line: &&String| line.contains("(last one saved 80 % in 60.0s)");
    let said: Vec<&String> = dear.log.iter().filter(said).collect();
    let [keep, refork] = said[..] else {
        panic!("{:#?}", dear.log);
    };
    assert!(keep.starts_with("no refork: "), "{keep}");
    assert!(
        keep.contains(", but waits 5") && keep.ends_with("s more"),
        "{keep}"
    );
    assert!(refork.starts_with("refork: "), "{refork}");
    assert!(!refork.contains("waits"), "{refork}");
}

#[test]
fn no_refork_is_so_expensive_that_it_is_the_last() {
    let app = App::new(4, |_, requests| requests.sqrt());
    let app = App {
        refork: 6 * HOUR,
        ..app
    };
    let life = lived(&app, 30 * DAY);
    assert!(life.reforks.len() >= 2, "{:#?}", life.log);
    assert!(life.reforks[1] < 3 * DAY, "{:?}", life.reforks);
}

#[test]
fn workers_of_very_different_traffic() {
    for (name, csv) in RECORDED {
        let app = App::recorded(6, csv).at([20.0, 8.0, 1.0, 0.1, 0.001, 0.0]);
        let life = lived(&app, DAY);
        assert!(
            (1..=3).contains(&life.reforks.len()),
            "{name}: {:#?}",
            life.log
        );
        let unaided = app
            .rates
            .iter()
            .map(|rate| (app.growth)(0, rate * DAY as f64));
        let unaided = unaided.sum::<f64>() / app.rates.len() as f64;
        assert!(life.growth < 0.9 * unaided, "{name}: {:#?}", life.log);
    }
}

#[test]
fn a_single_worker_shares_with_nobody() {
    for (name, csv) in RECORDED {
        let life = lived(&App::recorded(1, csv), 7 * DAY);
        assert_eq!(life.reforks, [], "{name}");
        assert_eq!(life.log.len(), 1, "{:#?}", life.log);
    }
}

/// Reforking a worker that leaks makes the leak everybody's.
#[test]
fn a_leak_is_not_reforked_for_ever() {
    for mib_per_request in [0.001, 0.01, 0.1] {
        let app = App::new(4, move |_, requests| 20.0 + mib_per_request * requests);
        let life = lived(&app, 30 * DAY);
        let count = life.reforks.len();
        assert!(
            count <= 12,
            "{mib_per_request}: {count} in 30 days {:#?}",
            life.log
        );
    }
}

#[test]
fn a_sawtooth_is_not_chased() {
    for (height, length) in [(40.0, 500.0), (200.0, 10_000.0), (200.0, 77.0)] {
        let app = App::new(4, move |_, requests| {
            5.0 + height * (requests % length) / length
        });
        let life = lived(&app, 30 * DAY);
        let count = life.reforks.len();
        assert!(
            count <= 2,
            "{height} {length}: {count} in 30 days {:#?}",
            life.log
        );
    }
}

#[test]
fn an_app_that_never_settles() {
    let app = App::new(4, |_, requests| requests.sqrt());
    let count = lived(&app, 30 * DAY).reforks.len();
    assert!((1..=10).contains(&count), "{count} in 30 days");
    let app = App::new(4, |_, requests| 8.0 * (1.0 + requests).ln());
    let count = lived(&app, 30 * DAY).reforks.len();
    assert!((1..=10).contains(&count), "{count} in 30 days");
}

#[test]
fn an_app_that_shares_nothing_is_tried_once() {
    let app = App::new(16, |_, requests: f64| {
        300.0 * (1.0 - (-requests / 40.0).exp())
    });
    let life = lived(&app, 30 * DAY);
    assert_eq!(life.reforks.len(), 1, "{:#?}", life.log);
}

#[test]
fn what_is_too_little_is_left_alone() {
    let app = App::new(4, |_, requests: f64| requests.min(100.0) / 100.0 * 2.0);
    let life = lived(&app, 30 * DAY);
    assert_eq!(
        (life.reforks.len(), life.log.len()),
        (0, 1),
        "{:#?}",
        life.log
    );
}

/// A feature is switched on that nobody had used: it is worth another try, even after one that did not help.
#[test]
fn another_curve_is_another_chance() {
    let warm_up = |requests: f64, most: f64| most * (1.0 - (-requests / 100.0).exp());
    let app = App::new(4, move |generation, requests| match generation {
        0 | 1 => warm_up(requests, 40.0) + if requests > 50_000.0 { 60.0 } else { 0.0 },
        _ => warm_up(requests, 10.0),
    });
    let life = lived(&app, 7 * DAY);
    assert!(life.growth < 11.0, "{:#?}", life.log);
    assert!(life.reforks.len() <= 4, "{:#?}", life.log);
}

/// Any curve at all: `assert_bounded` says what holds.
#[test]
fn whatever_the_curve_reforks_are_few() {
    let mut state = 1_u64;
    let mut random = move |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for _ in 0..60 {
        let heights: Vec<f64> = (0..16).map(|_| random(400) as f64).collect();
        let (pace, leak) = (1.0 + random(2_000) as f64, random(100) as f64 / 10_000.0);
        let workers = 1 + random(9) as usize;
        let rates: Vec<f64> = (0..workers).map(|_| random(500) as f64 / 20.0).collect();
        let app = App::new(workers, move |generation, requests| {
            let height = heights[generation as usize % heights.len()];
            height * (1.0 - (-requests / pace).exp()) + leak * requests
        });
        let life = lived(&app.at(rates), 3 * DAY);
        let first_day = life.reforks.iter().filter(|at| **at < DAY).count();
        assert!(first_day <= 11, "{first_day}");
    }
}

//! A load generator for TCP and UNIX sockets: one connection a request, nothing but the standard library.
//!
//!     rustc -O --edition 2024 -o tmp/load bench/load.rs
//!     tmp/load --concurrency 8 --requests 20000 127.0.0.1:8080
//!     tmp/load --seconds 3 --json --path / --path '/items/{n}' /run/app.sock
//!
//! Every response is read up to the end of file and checked: its body has to be as long as it said, its status 200. With
//! `--cases` the requests, the statuses, and the bodies byte for byte, come from files; see the usage.
//! The exit status is 0 when every request was answered so, 1 when one was not, 2 for a command line it cannot read.

#[path = "load/cases.rs"]
mod cases;
#[path = "load/exchange.rs"]
mod exchange;
#[path = "load/options.rs"]
mod options;
#[path = "load/report.rs"]
mod report;
#[path = "load/response.rs"]
mod response;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};
use std::{env, fs, io, thread};

use exchange::{NAMES, exchange};
use options::{Limit, Options, USAGE};
use report::{Report, Tally};

/// Set when standard input has ended, with `--until-eof`.
static INPUT_ENDED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let options = match Options::parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("load: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let report = run(&options);
    println!(
        "{}",
        if options.json {
            report.json()
        } else {
            report.text()
        }
    );
    let written = options.timeline.as_ref().map_or(Ok(()), |path| {
        fs::write(path, report.timeline()).map_err(|error| format!("{}: {error}", path.display()))
    });
    if let Err(message) = written {
        eprintln!("load: {message}");
        return ExitCode::FAILURE;
    }
    if let Some(failure) = &report.tally.first_failure {
        eprintln!("load: first failure: {failure}");
    }
    ExitCode::from(u8::from(!report.all_ok()))
}

fn run(options: &Options) -> Report {
    let next = AtomicU64::new(0);
    if let Limit::EndOfInput = options.limit {
        thread::spawn(|| {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            INPUT_ENDED.store(true, Ordering::Relaxed);
        });
    }
    let began = SystemTime::now();
    let start = Instant::now();
    let mut tally = thread::scope(|scope| {
        let work = || client(options, &next, start);
        let threads: Vec<_> = (0..options.concurrency)
            .map(|_| scope.spawn(work))
            .collect();
        let tallies = threads
            .into_iter()
            .map(|thread| thread.join().expect("a client thread panicked"));
        tallies.fold(Tally::default(), Tally::merge)
    });
    let seconds = start.elapsed().as_secs_f64();
    tally.answers.sort_unstable_by_key(|answer| answer.took);
    Report {
        tally,
        began,
        seconds,
    }
}

/// One thread: requests, one after the other, until the limit is reached.
fn client(options: &Options, next: &AtomicU64, start: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut buffer = Vec::new();
    let mut response = Vec::new();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let done = match options.limit {
            Limit::Requests(count) => n >= count,
            Limit::Seconds(seconds) => start.elapsed().as_secs_f64() >= seconds,
            Limit::EndOfInput => INPUT_ENDED.load(Ordering::Relaxed),
        };
        if done {
            return tally;
        }
        let case = &options.cases[(n % options.cases.len() as u64) as usize];
        let request = case.bytes(n, &mut buffer);
        let began = Instant::now();
        let (outcome, error) = match exchange(options, request, &case.ending, &mut response) {
            Ok(outcome) => (outcome, None),
            Err((outcome, error)) => (outcome, Some(error)),
        };
        tally.add(outcome, start.elapsed(), began.elapsed(), || {
            let first_line =
                String::from_utf8_lossy(response.split(|&b| b == b'\r').next().unwrap_or_default())
                    .into_owned();
            let reason = error.map_or(first_line, |e| e.to_string());
            format!("{} on {}: {reason}", NAMES[outcome as usize].0, case.name)
        });
    }
}

//! Parses one request head again and again, by pitchfork's core or by httparse alone, which is what the core is built on and
//! so the least it can cost. Counts nothing: `bench/parse.rb` runs it under callgrind with two numbers of times.
//!
//!     parse core|httparse HEAD-FILE TIMES

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::process::ExitCode;
use std::{env, fs};

use pitchfork_core::http::{Limits, Parsed, Scratch, parse};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [parser, file, times] = &arguments[..] else {
        eprintln!("usage: parse core|httparse HEAD-FILE TIMES");
        return ExitCode::from(2);
    };
    let head = fs::read(file).expect("a readable file");
    let once: fn(&[u8]) -> bool = match parser.as_str() {
        "core" => core,
        _ => httparse,
    };
    for _ in 0..times.parse().expect("a number") {
        assert!(once(black_box(&head)), "{file} is not a whole head");
    }
    ExitCode::SUCCESS
}

#[inline(never)]
fn core(head: &[u8]) -> bool {
    let mut scratch = Scratch::new();
    let parsed = parse(head, &mut scratch, &Limits::default());
    matches!(black_box(parsed), Ok(Parsed::Complete(_)))
}

#[inline(never)]
fn httparse(head: &[u8]) -> bool {
    let mut fields = [const { MaybeUninit::uninit() }; 100];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(head, &mut fields);
    black_box(&request);
    matches!(parsed, Ok(httparse::Status::Complete(_)))
}

//! What a worker says about its page faults, as text: one fact a line.
//!
//! ```text
//! pitchfork who 1
//! until 81234000000            when it was asked to stop, nanoseconds of CLOCK_MONOTONIC; names the question
//! seconds 9.981                how long it was watched
//! requests 412                 completed meanwhile
//! faults 4812                  counted in the main thread, in user mode
//! full                         only if it ended early, because there was no room for more samples
//! frame 17 Hoarder#touch<TAB>app.rb:12
//! function 0 rb_str_modify
//! sample 7f3a4c001000 4 0 17,3 address, how many faults it stands for, function, frames from the innermost; `gc`; `-`
//! end
//! ```
//!
//! Or, in place of what follows `until`: `error EACCES perf_event_open`.

use std::collections::HashMap;
use std::fmt::Write;

use super::{Code, Samples};

/// What is true of all samples.
pub struct Summary {
    /// How long the worker was watched.
    pub seconds: f64,
    /// Completed meanwhile.
    pub requests: u64,
    /// All faults, sampled or not.
    pub faults: u64,
}

/// The beginning, which says which question is answered.
pub fn opening(until: u64) -> String {
    format!("pitchfork who 1\nuntil {until}\n")
}

/// The rest when there is nothing to report. `what`: an errno's name, and the call that failed.
pub fn failure(what: &str) -> String {
    format!("error {}\nend\n", one_line(what))
}

/// The rest. `names`: of the frames, by their index; what a frame is called, and where it is. `function` names the code at an
/// address.
pub fn body(
    summary: &Summary,
    samples: &Samples,
    names: &[(u16, String)],
    mut function: impl FnMut(u64) -> String,
) -> String {
    let mut text = format!(
        "seconds {:.3}\nrequests {}\nfaults {}\n",
        summary.seconds, summary.requests, summary.faults
    );
    if samples.is_full() {
        text.push_str("full\n");
    }
    for (index, name) in names {
        line(&mut text, format_args!("frame {index} {}", one_line(name)));
    }
    let mut functions = HashMap::new();
    for sample in samples.iter() {
        let fault = sample.fault;
        let name = function(fault.ip);
        let next = functions.len();
        let index = *functions.entry(name.clone()).or_insert(next);
        if index == next {
            line(
                &mut text,
                format_args!("function {index} {}", one_line(&name)),
            );
        }
        let code = code(&sample.code);
        line(
            &mut text,
            format_args!(
                "sample {:x} {} {index} {code}",
                fault.address, sample.weight
            ),
        );
    }
    text.push_str("end\n");
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes all");
}

fn code(code: &Code<Vec<u16>>) -> String {
    match code {
        Code::Gc => "gc".to_owned(),
        Code::Ruby(frames) if !frames.is_empty() => {
            let frames: Vec<String> = frames.iter().map(u16::to_string).collect();
            frames.join(",")
        }
        Code::Ruby(_) | Code::Unknown => "-".to_owned(),
    }
}

/// Ruby allows any name for a method, and the kernel any for a file.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

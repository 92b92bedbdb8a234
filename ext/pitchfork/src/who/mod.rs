//! `pitchfork cow --who`, the worker's side: asked in its row, it samples its own page faults for some seconds, and says in a
//! memfd what it has seen.
//!
//! There is no thread and no socket, and nothing at all unless somebody asks: the worker looks at its row when a request
//! begins. Everything else happens between two requests. Whoever asks opens the memfd by /proc/PID/fd when it
//! appears, reads it when it has its last line, and takes the question back; the memfd is closed then, and at the latest some seconds
//! later.

mod asking;
mod naming;
mod probe;

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::time::Duration;

use magnus::rb_sys::FromRawValue;
use magnus::{Ruby, Value, gc};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use pitchfork_core::who::{Summary, report};

use crate::sys::clock::nanoseconds;
use crate::sys::scoreboard::Row;
use crate::sys::symbols;
pub use asking::init;
use probe::Probe;

/// Nobody may have a worker sampled for longer.
const LONGEST: u64 = 60 * SECOND;
/// So long a report is kept for whoever has asked for it.
const KEPT: u64 = 10 * SECOND;
const SECOND: u64 = 1_000_000_000;

/// What a worker has to do with questions of this kind.
#[derive(Default)]
pub struct Who {
    state: RefCell<State>,
    /// Whether the state is another than Idle, for a glance on the hot path.
    busy: Cell<bool>,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Sampling(Sampling),
    Reported(Answer),
}

struct Sampling {
    probe: Probe,
    answer: Answer,
    since: u64,
    requests: u64,
}

struct Answer {
    fd: OwnedFd,
    /// What stood in the row.
    question: u64,
    /// Until when this lasts, in nanoseconds of CLOCK_MONOTONIC.
    until: u64,
}

impl Who {
    /// A request begins.
    pub fn request(&self, row: &Row, now: u64) {
        let question = row.who_until();
        if question != 0 && !self.busy.get() {
            self.set(begin(row, question, now));
        }
    }

    /// Between two requests: whatever is due.
    pub fn attend(&self, ruby: &Ruby, row: &Row) {
        if self.busy.get() {
            self.go_on(ruby, row, nanoseconds());
        }
    }

    /// How long the worker may sleep. `None`: as far as this is concerned, for ever.
    pub fn patience(&self) -> Option<Duration> {
        let until = match &*self.state.borrow() {
            State::Idle => return None,
            State::Sampling(Sampling { answer, .. }) | State::Reported(answer) => answer.until,
        };
        Some(Duration::from_nanos(until.saturating_sub(nanoseconds())))
    }

    /// The worker is about to become something else, or to go. Whoever has opened the memfd can still read it.
    pub fn end(&self, ruby: &Ruby, row: &Row) {
        if self.busy.get() {
            self.go_on(ruby, row, u64::MAX);
            if let State::Reported(answer) = self.state.take() {
                row.forget_who(answer.question);
            }
            self.set(State::Idle);
        }
    }

    /// For the GC: frames are held as long as there are samples.
    pub fn mark(&self, marker: &gc::Marker) {
        // Never borrowed mutably while Ruby runs.
        if let Ok(state) = self.state.try_borrow() {
            if let State::Sampling(sampling) = &*state {
                for (_, frame) in sampling.probe.samples().frames() {
                    // SAFETY: an object that was running when it was noted, and was marked ever since.
                    marker.mark(unsafe { Value::from_raw(frame as rb_sys::VALUE) });
                }
            }
        }
    }

    fn go_on(&self, ruby: &Ruby, row: &Row, now: u64) {
        let question = row.who_until();
        let due = match &*self.state.borrow() {
            State::Idle => false,
            State::Sampling(Sampling { answer, probe, .. }) => {
                answer.question != question || answer.until <= now || probe.samples().is_full()
            }
            State::Reported(answer) => answer.question != question || answer.until <= now,
        };
        if !due {
            return;
        }
        if let State::Sampling(sampling) = &mut *self.state.borrow_mut() {
            sampling.probe.stop();
        }
        if let State::Sampling(sampling) = &*self.state.borrow() {
            if sampling.answer.question == question {
                sampling.report(ruby, row);
            }
        }
        let next = match self.state.take() {
            State::Sampling(Sampling { answer, .. }) if answer.question == question => {
                let until = nanoseconds() + KEPT;
                State::Reported(Answer { until, ..answer })
            }
            State::Reported(answer) => {
                row.forget_who(answer.question);
                State::Idle
            }
            State::Sampling(_) | State::Idle => State::Idle,
        };
        self.set(next);
    }

    fn set(&self, state: State) {
        self.busy.set(!matches!(state, State::Idle));
        self.state.replace(state);
    }
}

fn begin(row: &Row, question: u64, now: u64) -> State {
    if question <= now {
        row.forget_who(question); // whoever asked has gone without taking it back
        return State::Idle;
    }
    // Without a descriptor for the answer there is nobody to tell why.
    let Ok(fd) = memfd_create("pitchfork who", MFdFlags::MFD_CLOEXEC) else {
        return State::Idle;
    };
    let mut answer = Answer {
        fd,
        question,
        until: question.min(now + LONGEST),
    };
    answer.write(&report::opening(question));
    match Probe::start(answer.until) {
        Ok(probe) => State::Sampling(Sampling {
            probe,
            answer,
            since: now,
            requests: row.requests(),
        }),
        Err((errno, call)) => {
            answer.write(&report::failure(&format!("{errno:?} {call}")));
            answer.until = now + KEPT;
            State::Reported(answer)
        }
    }
}

impl Sampling {
    fn report(&self, ruby: &Ruby, row: &Row) {
        let summary = Summary {
            // A request that takes longer is not watched to its end.
            seconds: Duration::from_nanos(nanoseconds().min(self.answer.until) - self.since)
                .as_secs_f64(),
            requests: row.requests() - self.requests,
            faults: self.probe.faults(),
        };
        let samples = self.probe.samples();
        let text = match naming::names(ruby, samples) {
            Ok(names) => report::body(&summary, samples, &names, symbols::function),
            Err(error) => report::failure(&error.to_string()),
        };
        self.answer.write(&text);
    }
}

impl Answer {
    /// Without memory for it the text lacks its end, which the reader takes for what it is.
    fn write(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match nix::unistd::write(&self.fd, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }
}

//! `env["pitchfork.timeout"]`: the time that the request may take. See lib/pitchfork/deadline.rb.

use magnus::{Error, Ruby, gc, typed_data::Obj, value::Opaque};

use super::Client;
use crate::worker::WorkerPort;

/// The request as its worker knows it: by the moment it began, for no two begin at the same.
#[derive(Clone, Copy)]
pub struct Turn {
    port: Opaque<Obj<WorkerPort>>,
    /// In nanoseconds of CLOCK_MONOTONIC.
    since: u64,
}

impl Turn {
    pub(super) fn mark(self, marker: &gc::Marker) {
        marker.mark(self.port);
    }
}

impl Client {
    /// Its worker begins to serve it.
    pub fn assign(&self, port: Obj<WorkerPort>, since: u64) {
        let port = port.into();
        self.turn.set(Some(Turn { port, since }));
    }

    /// In seconds of CLOCK_MONOTONIC. nil: the request is over.
    pub(super) fn deadline(ruby: &Ruby, rb_self: Obj<Self>) -> Option<f64> {
        let Turn { port, since } = rb_self.turn.get()?;
        let deadline = ruby.get_inner(port).deadline(since)?;
        Some(deadline as f64 / 1e9)
    }

    /// From a trap: the seconds that the request has taken, if its deadline has passed. nil: the signal was meant for an
    /// earlier deadline of it, or came when it was over.
    pub(super) fn overdue(ruby: &Ruby, rb_self: Obj<Self>) -> Option<f64> {
        let Turn { port, since } = rb_self.turn.get()?;
        let took = ruby.get_inner(port).overdue(since)?;
        Some(took as f64 / 1e9)
    }

    pub(super) fn set_deadline(ruby: &Ruby, rb_self: Obj<Self>, to: f64) -> Result<(), Error> {
        if to.is_nan() {
            let why = "deadline is not a number: expected seconds of CLOCK_MONOTONIC";
            return Err(Error::new(ruby.exception_arg_error(), why));
        }
        match rb_self.turn.get() {
            // What is too large or too small for the type becomes its largest or smallest value, and 0 would mean none.
            Some(Turn { port, since }) => {
                (ruby.get_inner(port)).set_deadline(ruby, since, ((to * 1e9) as u64).max(1))
            }
            None => Ok(()),
        }
    }
}

//! What will happen, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use pitchfork_core::supervisor::Event;
use pitchfork_core::wire::Ticket;

/// Something in the world. Processes go by an identity that is never reused, unlike pids.
#[derive(Debug)]
pub enum Happening {
    /// The master hears this.
    Hears(Event),
    /// It hears this on a channel, unless it has closed it.
    HearsOn(Ticket, Event),
    /// It reaps this process.
    Reaps(u64),
    /// It hears whether this process is stopped.
    SeesStop(u64),
    /// A process goes on, unless it is dead or hangs.
    Does(u64, Step),
}

/// What a process does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    SaysHello,
    IsReady,
    /// It takes the next order from its channel.
    ReadsOrder,
    /// It leaves of its own will.
    Leaves,
    /// A signal ends it.
    Dies(i32),
    /// It reads end-of-file on this channel, unless it has left it.
    NoticesHangUp(Ticket),
    /// It has completed as many requests as it was asked to tell of.
    HasServed,
    /// It gets a request that does not go as it should.
    GetsTrouble(Trouble),
    /// The app moves the deadline of the request that began then.
    MovesDeadline(Duration),
    /// The request that began then is complete.
    Completes(Duration),
    /// It hears that its request is late.
    IsInterrupted,
    /// It leaves because this request was late.
    GivesUp(Duration),
}

/// What is the matter with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It ends only when it is told to.
    Late,
    /// It never ends.
    Stuck,
    /// Its deadline is moved, and it ends by the new one or a bit later.
    Moved,
}

/// Happenings by time, and among equals by order of appointment.
#[derive(Default)]
pub struct Agenda {
    entries: BTreeMap<(Duration, u64), Happening>,
    count: u64,
    /// When the last message of each channel arrives: order is kept.
    arrivals: BTreeMap<Ticket, Duration>,
}

impl Agenda {
    pub fn add(&mut self, at: Duration, happening: Happening) {
        self.count += 1;
        self.entries.insert((at, self.count), happening);
    }

    /// A message on a channel, never before an earlier one.
    pub fn add_message(&mut self, at: Duration, ticket: Ticket, event: Event) {
        let last = self.arrivals.entry(ticket).or_default();
        *last = at.max(*last);
        let at = *last;
        self.add(at, Happening::HearsOn(ticket, event));
    }

    /// When all that was said on a channel has been heard.
    pub fn last_arrival(&self, ticket: Ticket) -> Duration {
        self.arrivals.get(&ticket).copied().unwrap_or_default()
    }

    pub fn next(&self) -> Option<Duration> {
        self.entries.keys().next().map(|(at, _)| *at)
    }

    pub fn pop(&mut self) -> Option<(Duration, Happening)> {
        let ((at, _), happening) = self.entries.pop_first()?;
        Some((at, happening))
    }
}

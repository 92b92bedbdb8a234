//! What will happen, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use pitchfork_core::supervisor::Event;
use pitchfork_core::wire::Ticket;

use super::life::Wish;
use pitchfork_core::wire::Seat;

/// Random numbers by SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// Mostly short, sometimes as long as `most`.
    pub fn delay(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        let scale = [most, most / 8, most / 64][self.below(3) as usize];
        Duration::from_micros(1 + self.below(scale.max(1)))
    }
}

/// Something in the world. Processes go by an identity that is never reused, unlike pids.
#[derive(Debug)]
pub enum Happening {
    /// The master hears this.
    Hears(Event),
    /// It hears this on a channel, unless it has closed it.
    HearsOn(Ticket, Event),
    /// It reaps this process.
    Reaps(u64),
    /// A process says its first word.
    SaysHello(u64),
    /// A process is ready.
    IsReady(u64),
    /// An order to fork, or to become a mold, reaches a process.
    GetsWish(u64, Seat, Wish),
    /// `Serve` reaches a process.
    Serves(u64),
    /// A process leaves of its own will, or as it was asked to.
    Leaves(u64),
    /// A signal ends a process.
    Dies(u64, i32),
    /// A process reads end-of-file on its channel, unless it has left that channel.
    NoticesHangUp(u64, Ticket),
    /// A process has served as many requests as it was asked to tell of.
    IsWarm(u64),
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

    /// Takes out the wishes under way to a process: it can't fulfil them any more.
    pub fn undelivered(&mut self, id: u64) -> Vec<Seat> {
        let lost: Vec<_> = (self.entries.iter())
            .filter_map(|(key, happening)| match happening {
                Happening::GetsWish(to, seat, _) if *to == id => Some((*key, *seat)),
                _ => None,
            })
            .collect();
        for (key, _) in &lost {
            self.entries.remove(key);
        }
        lost.into_iter().map(|(_, seat)| seat).collect()
    }
}

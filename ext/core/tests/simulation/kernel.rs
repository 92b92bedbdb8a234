//! A virtual kernel: processes, their channels, their rows, and time.
//!
//! What the real one promises is kept: the messages of one channel arrive in order and before its end-of-file, a pid is not
//! reused before it is reaped. Nothing is promised between channels, nor between a channel and the end of its process.

mod orders;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pitchfork_core::supervisor::{Event, ExitStatus, Observation, Settings};
use pitchfork_core::wire::{Seat, Ticket};

use crate::agenda::{Agenda, Happening, Step};
use crate::dice::Dice;
use crate::fault::{Fault, Rates, Tally};
use crate::ms;
use crate::process::Process;

/// errno of fork(2) when there are too many processes.
pub const EAGAIN: i32 = 11;

pub use orders::EPIPE;

pub struct Kernel {
    /// Time that passes for processes.
    pub now: Duration,
    /// How far the clock has leapt ahead of that.
    pub asleep: Duration,
    pub dice: Dice,
    pub rates: Rates,
    pub tally: Tally,
    pub settings: Settings,
    /// Whether clients send requests.
    pub traffic: bool,
    pub agenda: Agenda,
    /// Alive, or dead and not yet reaped.
    processes: BTreeMap<u64, Process>,
    last_id: u64,
    pids: BTreeSet<u32>,
    /// Who holds the other end of a channel.
    owners: BTreeMap<Ticket, u64>,
    /// Whom a kill reaches: known to the master since the first message.
    handles: BTreeMap<Ticket, u64>,
    /// Channels that the master has closed.
    closed: BTreeSet<Ticket>,
    /// After how many requests the master wants to hear of a worker: a field of its row.
    pub milestones: BTreeMap<Ticket, u64>,
    /// Versions whose code is not good.
    pub bad_code: BTreeMap<u32, BadCode>,
    /// The names of the service workers of each version.
    pub services: BTreeMap<u32, Vec<Arc<str>>>,
    /// Something that must never be.
    pub fault: Option<String>,
}

/// What is wrong with a version of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCode {
    DoesNotBoot,
    HangsInBoot,
    WorkersHang,
    WorkersDieYoung,
    WorkersDieAtWork,
    MoldDies,
}

impl Kernel {
    pub fn new(settings: Settings, dice: Dice) -> Kernel {
        let services = settings.services.clone();
        Kernel {
            now: Duration::ZERO,
            asleep: Duration::ZERO,
            dice,
            rates: Rates::default(),
            tally: Tally::default(),
            settings,
            traffic: true,
            agenda: Agenda::default(),
            processes: BTreeMap::new(),
            last_id: 0,
            pids: BTreeSet::new(),
            owners: BTreeMap::new(),
            handles: BTreeMap::new(),
            closed: BTreeSet::new(),
            milestones: BTreeMap::new(),
            bad_code: BTreeMap::new(),
            services: BTreeMap::from([(1, services)]),
            fault: None,
        }
    }

    /// Whether this occasion for a fault is taken.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let does = self.dice.percent(self.rates.of(fault));
        if does {
            self.tally.count(&format!("{fault:?}"));
        }
        does
    }

    /// The next thing happens. Answers what the master hears of it.
    pub fn happen(&mut self) -> Option<Event> {
        let (at, happening) = self.agenda.pop()?;
        self.now = at;
        match happening {
            Happening::Hears(event) => Some(event),
            Happening::HearsOn(ticket, event) => self.hear(ticket, event),
            Happening::Reaps(id) => self.reap(id),
            Happening::SeesStop(id) => self.see_stop(id),
            Happening::Does(id, step) => {
                self.perform(id, step);
                None
            }
        }
    }

    fn hear(&mut self, ticket: Ticket, event: Event) -> Option<Event> {
        if self.has_hung_up(ticket) && !self.strikes(Fault::HeardLate) {
            return None;
        }
        if let Event::Hello { .. } = event {
            let owner = self.owner(ticket);
            self.handles.extend(owner.map(|id| (ticket, id)));
        }
        Some(event)
    }

    fn reap(&mut self, id: u64) -> Option<Event> {
        let process = self.processes.remove(&id)?;
        self.pids.remove(&process.pid);
        process.ours.then_some(Event::Exited {
            pid: process.pid,
            status: process.fate,
        })
    }

    /// The master hears that a child was stopped, or goes on.
    fn see_stop(&self, id: u64) -> Option<Event> {
        let process = self.alive(id).filter(|process| process.ours)?;
        let pid = process.pid;
        Some(match process.stopped {
            Some(_) => Event::Stopped { pid },
            None => Event::Continued { pid },
        })
    }

    /// Appoints something for soon, or in at most `most`.
    pub fn later(&mut self, most: Duration, happening: Happening) {
        let at = self.now + self.dice.delay(most);
        self.agenda.add(at, happening);
    }

    pub fn does_at(&mut self, at: Duration, id: u64, step: Step) {
        self.agenda.add(at, Happening::Does(id, step));
    }

    pub fn does_later(&mut self, most: Duration, id: u64, step: Step) {
        self.later(most, Happening::Does(id, step));
    }

    /// A process says something on a channel.
    pub fn say(&mut self, ticket: Ticket, event: Event) {
        let at = self.now + self.dice.delay(ms(10));
        self.agenda.add_message(at, ticket, event);
    }

    /// Whether the master has closed its end of a channel.
    pub fn has_hung_up(&self, ticket: Ticket) -> bool {
        self.closed.contains(&ticket)
    }

    pub fn alive(&self, id: u64) -> Option<&Process> {
        self.processes.get(&id).filter(|process| !process.dead)
    }

    fn alive_mut(&mut self, id: u64) -> Option<&mut Process> {
        self.processes.get_mut(&id).filter(|process| !process.dead)
    }

    /// A process that can't be dead.
    pub fn goes_on(&mut self, id: u64) -> &mut Process {
        self.alive_mut(id).expect("the dead do nothing")
    }

    pub fn ticket(&self, id: u64) -> Ticket {
        self.processes[&id].seat.ticket
    }

    /// Who holds the other end of a channel.
    pub fn owner(&self, ticket: Ticket) -> Option<u64> {
        self.owners.get(&ticket).copied()
    }

    /// What the rows say of the workers.
    pub fn observations(&self) -> impl Iterator<Item = (Ticket, Observation)> {
        self.processes.values().filter_map(|process| {
            let work = process.work.filter(|_| !process.dead)?;
            Some((process.seat.ticket, work.observation(self.now, self.asleep)))
        })
    }

    /// The virtual processes that live.
    pub fn living(&self) -> impl Iterator<Item = (u64, &Process)> {
        (self.processes.iter())
            .filter(|(_, process)| !process.dead)
            .map(|(id, process)| (*id, process))
    }

    /// The kernel's OOM killer comes.
    pub fn dies(&mut self, id: u64) {
        self.perform(id, Step::Dies(9));
    }

    /// No client sends anything any more, and what hangs is ended by an operator.
    pub fn end_traffic(&mut self) {
        self.traffic = false;
        let now = self.now;
        let ids: Vec<u64> = self.living().map(|(id, _)| id).collect();
        for id in ids {
            let process = self.goes_on(id);
            if process.hangs {
                self.dies(id);
            } else if let Some(work) = &mut process.work {
                work.pause(now);
            }
        }
    }

    /// A new process, with a pid that may have been somebody else's before.
    pub fn be_born(&mut self, mut process: Process) -> u64 {
        self.last_id += 1;
        let range = 2 * self.processes.len() as u64 + 8;
        process.pid = loop {
            let pid = 2 + self.dice.below(range) as u32;
            if self.pids.insert(pid) {
                break pid;
            }
        };
        self.owners.insert(process.seat.ticket, self.last_id);
        let ticket = process.seat.ticket;
        self.processes.insert(self.last_id, process);
        // Born into a channel that the master has closed meanwhile.
        if self.has_hung_up(ticket) {
            self.hang_up(ticket);
        }
        self.last_id
    }

    /// A process gives up its channel for another one: it was promoted.
    pub fn move_to(&mut self, id: u64, seat: Seat) {
        let process = self.goes_on(id);
        let left = std::mem::replace(&mut process.seat, seat).ticket;
        self.owners.remove(&left);
        self.owners.insert(seat.ticket, id);
        self.say(left, Event::Closed { ticket: left });
        if self.closed.contains(&seat.ticket) {
            self.hang_up(seat.ticket);
        }
    }

    /// A process ends; with it go its channel and what it has not read.
    pub fn end(&mut self, id: u64, fate: ExitStatus) {
        let Some(process) = self.alive_mut(id) else {
            return;
        };
        (process.dead, process.fate) = (true, fate);
        let ticket = process.seat.ticket;
        let unread = std::mem::take(&mut process.inbox);
        self.owners.remove(&ticket);
        for seat in unread.into_iter().filter_map(orders::commissioned) {
            let ticket = seat.ticket;
            self.say(ticket, Event::Closed { ticket });
        }
        self.say(ticket, Event::Closed { ticket });
        let early = self.strikes(Fault::ReapedEarly);
        let heard = if early {
            self.now
        } else {
            self.agenda.last_arrival(ticket)
        };
        let at = heard.max(self.now) + self.dice.delay(ms(20));
        self.agenda.add(at, Happening::Reaps(id));
    }
}

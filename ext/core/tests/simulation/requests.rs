//! What virtual workers do with requests.

use std::time::Duration;

use pitchfork_core::supervisor::{Event, ExitStatus};
use pitchfork_core::wire::Ticket;

use crate::agenda::{Step, Trouble};
use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::process::{Late, Work};
use crate::{ms, secs};

impl Kernel {
    /// `Serve` has arrived.
    pub fn serve(&mut self, id: u64) {
        let (pace, timeout) = (ms(self.dice.between(1, 50)), secs(self.dice.between(5, 20)));
        let report_at = self.milestones.get(&self.ticket(id)).copied();
        let since = self.traffic.then_some(self.now);
        let work = Work {
            completed: 0,
            since,
            pace,
            timeout,
            request: None,
            report_at,
        };
        self.goes_on(id).work = Some(work);
        self.appoint_milestone(id);
        let troubles = [
            (Fault::IsLate, Trouble::Late),
            (Fault::IsStuck, Trouble::Stuck),
            (Fault::MovesDeadline, Trouble::Moved),
        ];
        for (fault, trouble) in troubles {
            if self.traffic && self.strikes(fault) {
                self.does_later(secs(30), id, Step::GetsTrouble(trouble));
            }
        }
    }

    /// The master says after how many requests it wants to hear of a worker.
    pub fn set_milestone(&mut self, ticket: Ticket, at: Option<u64>) {
        match at {
            Some(at) => drop(self.milestones.insert(ticket, at)),
            None => drop(self.milestones.remove(&ticket)),
        }
        if let Some(id) = self.owner(ticket) {
            if let Some(work) = &mut self.goes_on(id).work {
                work.report_at = at;
                self.appoint_milestone(id);
            }
        }
    }

    pub fn appoint_milestone(&mut self, id: u64) {
        let Some(work) = self.goes_on(id).work else {
            return;
        };
        if let (Some(at), Some(since)) = (work.report_at, work.since) {
            // If it has served more already: after the next one.
            let left = at.max(work.requests(self.now) + 1) - work.completed;
            let at = since + work.pace * u32::try_from(left).unwrap_or(u32::MAX);
            self.does_at(at, id, Step::HasServed);
        }
    }

    /// A worker tells how much it has served, if the master still wants to know.
    pub fn report(&mut self, id: u64) {
        let (now, ticket) = (self.now, self.ticket(id));
        let Some(work) = &mut self.goes_on(id).work else {
            return;
        };
        let requests = work.requests(now);
        if work.report_at.is_some_and(|at| at <= requests) {
            work.report_at = None;
            self.say(ticket, Event::Milestone { ticket, requests });
        }
    }

    pub fn get_trouble(&mut self, id: u64, trouble: Trouble) {
        let (now, asleep) = (self.now, self.asleep);
        let Some(work) = self
            .goes_on(id)
            .work
            .as_mut()
            .filter(|work| work.since.is_some())
        else {
            return;
        };
        work.pause(now);
        work.begin(now, asleep, trouble);
        let timeout = work.timeout;
        if trouble == Trouble::Moved {
            self.does_later(timeout, id, Step::MovesDeadline(now + asleep));
        }
    }

    pub fn move_deadline(&mut self, id: u64, began: Duration) {
        let (now, clock, ticket) = (self.now, self.now + self.asleep, self.ticket(id));
        let left = self.dice.delay(secs(30));
        let Some(late) = self.request(id, began) else {
            return;
        };
        let sooner = clock + left < late.request.deadline;
        (late.request.deadline, late.due) = (clock + left, now + left);
        if sooner {
            // The master waits for the old one.
            self.say(ticket, Event::Tick);
        }
        let overdue = self.dice.delay(ms(20));
        let margin = if self.dice.percent(80) {
            left / 2
        } else {
            left + overdue
        };
        self.does_at(self.now + margin, id, Step::Completes(began));
    }

    pub fn complete(&mut self, id: u64, began: Duration) {
        if self.request(id, began).is_none() {
            return;
        }
        let (now, traffic) = (self.now, self.traffic);
        let process = self.goes_on(id);
        let work = process.work.as_mut().expect("it is at a request");
        (work.request, work.completed) = (None, work.completed + 1);
        work.since = traffic.then_some(now);
        let waits = !process.inbox.is_empty();
        self.report(id);
        self.appoint_milestone(id);
        if waits {
            self.read_later(id);
        }
    }

    /// SIGURG has arrived. If the request that it was meant for is over, nothing happens.
    pub fn be_interrupted(&mut self, id: u64) {
        let now = self.now;
        let late = self.goes_on(id).work.and_then(|work| work.request);
        if let Some(late) = late.filter(|late| late.due <= now) {
            self.tally.count("told to give up a request");
            if late.trouble != Trouble::Stuck {
                let cleanup = self.settings.cleanup + ms(50);
                self.does_later(cleanup, id, Step::GivesUp(late.request.since));
            }
        }
    }

    pub fn give_up(&mut self, id: u64, began: Duration) {
        if self.request(id, began).is_some() {
            self.end(id, ExitStatus::Exited(1));
        }
    }

    /// The request that a worker is at for longer than usual, if it is the one that began then.
    fn request(&mut self, id: u64, began: Duration) -> Option<&mut Late> {
        let late = self.goes_on(id).work.as_mut()?.request.as_mut()?;
        (late.request.since == began).then_some(late)
    }

    /// Whether a worker's request has been late for so long. Time in which nobody could run does not count.
    pub fn is_late(&self, ticket: Ticket, time: Duration) -> bool {
        let Some(work) = self.work(ticket) else {
            return true; // dead, and its row as it left it
        };
        work.request.is_some_and(|late| late.due + time <= self.now)
    }

    fn work(&self, ticket: Ticket) -> Option<Work> {
        self.alive(self.owner(ticket)?)?.work
    }
}

//! What virtual processes do, from the fork to the end.

use std::time::Duration;

use pitchfork_core::supervisor::{Event, ExitStatus, Promotion, Role};
use pitchfork_core::wire::{Order, Refusal, Seat};

use crate::agenda::{Happening, Step, Trouble};
use crate::fault::Fault;
use crate::kernel::{BadCode, EAGAIN, Kernel};
use crate::process::Process;
use crate::{ms, secs};

impl Kernel {
    /// A process goes on, or dies on the way.
    pub fn perform(&mut self, id: u64, step: Step) {
        if self.alive(id).is_none() {
            return;
        }
        // What stands still can be killed, but no more.
        let killed = step == Step::Dies(9);
        let process = self.goes_on(id);
        if let Some(held) = process.stopped.as_mut().filter(|_| !killed) {
            held.push(step);
            return;
        }
        // ... and if it is only stuck, its operator comes to his senses.
        let passive = killed || matches!(step, Step::NoticesHangUp(_));
        if process.hangs && !passive {
            return;
        }
        let dies = !passive && self.strikes(Fault::DiesMidStep);
        if !dies || self.dice.percent(50) {
            self.go_on(id, step);
        }
        if dies {
            self.end(id, ExitStatus::Signaled(9));
        }
    }

    fn go_on(&mut self, id: u64, step: Step) {
        match step {
            // Who can't be heard any more goes.
            Step::SaysHello | Step::IsReady if self.has_hung_up(self.ticket(id)) => {
                self.end(id, ExitStatus::Exited(1));
            }
            Step::SaysHello => self.say_hello(id),
            Step::IsReady => self.be_ready(id),
            Step::ReadsOrder => self.read_order(id),
            Step::Leaves => self.end(id, ExitStatus::Exited(0)),
            Step::Dies(signal) => self.end(id, ExitStatus::Signaled(signal)),
            Step::NoticesHangUp(ticket) if self.ticket(id) == ticket => {
                self.end(id, ExitStatus::Exited(0));
            }
            Step::NoticesHangUp(_) => {}
            Step::HasServed => self.report(id),
            Step::GetsTrouble(trouble) => self.get_trouble(id, trouble),
            Step::MovesDeadline(began) => self.move_deadline(id, began),
            Step::Completes(began) => self.complete(id, began),
            Step::IsInterrupted => self.be_interrupted(id),
            Step::GivesUp(began) => self.give_up(id, began),
        }
    }

    /// A process has been forked.
    pub fn start(&mut self, id: u64) {
        if self.strikes(Fault::Stillborn) {
            self.does_later(ms(20), id, Step::Dies(11));
        } else if !self.comes_to_hang(id) {
            self.does_later(ms(20), id, Step::SaysHello);
        }
    }

    /// Whether a process is stuck from now on. Booting an app may take for ever, and a worker that never comes back from a
    /// request is another story.
    fn comes_to_hang(&mut self, id: u64) -> bool {
        let process = self.goes_on(id);
        let noticed = if process.ready {
            process.role != Role::Worker
        } else {
            !process.booted
        };
        let hangs = noticed && self.strikes(Fault::Hangs);
        self.goes_on(id).hangs = hangs;
        hangs
    }

    fn say_hello(&mut self, id: u64) {
        let process = self.goes_on(id);
        let (ticket, pid, booted) = (process.seat.ticket, process.pid, process.booted);
        self.say(ticket, Event::Hello { ticket, pid });
        let bad = self.bad_code(id);
        let never = [Some(BadCode::HangsInBoot), Some(BadCode::WorkersHang)];
        let young = [Some(BadCode::DoesNotBoot), Some(BadCode::WorkersDieYoung)];
        if young.contains(&bad) || self.strikes(Fault::DiesYoung) {
            self.does_later(ms(500), id, Step::Dies(6));
        } else if never.contains(&bad) {
            self.goes_on(id).hangs = true;
        } else if !self.comes_to_hang(id) {
            let limit = self.settings.spawn_timeout;
            let slow = !booted && self.strikes(Fault::IsSlow);
            let (least, most) = if slow {
                (limit * 7 / 8, limit / 6)
            } else {
                (ms(0), ms(800))
            };
            let at = self.now + least + self.dice.delay(most);
            self.does_at(at, id, Step::IsReady);
        }
    }

    /// What is wrong with the code, if this process shows it.
    fn bad_code(&self, id: u64) -> Option<BadCode> {
        let process = self.alive(id)?;
        let bad = *self.bad_code.get(&process.version)?;
        let shown = match bad {
            BadCode::DoesNotBoot | BadCode::HangsInBoot => process.booted,
            BadCode::MoldDies => process.role == Role::Mold,
            _ => process.role == Role::Worker,
        };
        shown.then_some(bad)
    }

    fn be_ready(&mut self, id: u64) {
        let process = self.goes_on(id);
        process.ready = true;
        let ticket = process.seat.ticket;
        self.check_twins(id);
        self.say(ticket, Event::Ready { ticket });
        let deadly = [Some(BadCode::MoldDies), Some(BadCode::WorkersDieAtWork)];
        if deadly.contains(&self.bad_code(id)) || self.strikes(Fault::DiesAtWork) {
            self.does_later(secs(2), id, Step::Dies(11));
        } else if self.strikes(Fault::Leaves) {
            self.does_later(secs(2), id, Step::Leaves);
        } else {
            self.comes_to_hang(id);
        }
    }

    /// Two schedulers would do everything twice, and two workers in one row would count for each other.
    fn check_twins(&mut self, id: u64) {
        let process = self.goes_on(id);
        let (role, version, seat) = (process.role, process.version, process.seat);
        let name = |version, nr: u32| self.services[&version].get(nr as usize);
        let same = |other: &Process| match (role, other.role) {
            (Role::Service, Role::Service) => {
                name(other.version, other.seat.nr) == name(version, seat.nr)
            }
            _ => other.seat.row == seat.row && other.work.is_some(),
        };
        let twin = (self.living())
            .filter(|(other, process)| *other != id && process.ready)
            .find(|(_, process)| same(process))
            .map(|(_, twin)| twin.seat);
        if let Some(twin) = twin {
            self.fault = Some(format!("there are two: {seat:?} and {twin:?}"));
        }
    }

    fn read_order(&mut self, id: u64) {
        let process = self.goes_on(id);
        if process.work.is_some_and(|work| work.request.is_some()) {
            return; // it looks again when the request is complete
        }
        let Some(order) = process.inbox.pop_front() else {
            return;
        };
        if !process.inbox.is_empty() {
            self.read_later(id);
        }
        match order {
            Order::Serve => self.serve(id),
            Order::Retire => self.end(id, ExitStatus::Exited(0)),
            Order::Spawn(seat) => self.fork(id, seat),
            Order::Promote { seat, in_place } => self.be_promoted(id, seat, in_place),
        }
    }

    /// A mold forks a worker.
    fn fork(&mut self, id: u64, seat: Seat) {
        if self.strikes(Fault::ForkFails) {
            return self.cannot_fork(id, seat);
        }
        let mold = self.goes_on(id);
        let role = if seat.service {
            Role::Service
        } else {
            Role::Worker
        };
        let mut child = Process::new(seat, role, mold.version);
        child.ours = mold.ours && seat.sibling;
        let child = self.be_born(child);
        self.start(child);
    }

    /// A worker becomes a mold, or forks one.
    fn be_promoted(&mut self, id: u64, seat: Seat, in_place: bool) {
        let alone = self.settings.promotion == Promotion::InPlace || self.dice.percent(70);
        if self.strikes(Fault::ForkFails) {
            self.cannot_fork(id, seat);
        } else if self.strikes(Fault::Refuses) {
            let reasons = [Refusal::NotForkSafe, Refusal::Threads, Refusal::Failed];
            let (ticket, reason) = (seat.ticket, self.dice.pick(&reasons));
            self.decline(id, seat, Event::Refused { ticket, reason });
        } else if in_place && alone {
            let worker = self.goes_on(id);
            (worker.role, worker.ready, worker.work) = (Role::Mold, false, None);
            self.move_to(id, seat);
            self.say_hello(id);
        } else {
            let version = self.goes_on(id).version;
            let child = self.be_born(Process::new(seat, Role::Mold, version));
            self.start(child);
        }
    }

    fn cannot_fork(&mut self, id: u64, seat: Seat) {
        let (ticket, errno) = (seat.ticket, EAGAIN);
        self.decline(id, seat, Event::ForkFailed { ticket, errno });
    }

    /// It answers on its own channel, and closes the one it was given.
    fn decline(&mut self, id: u64, seat: Seat, answer: Event) {
        let ticket = seat.ticket;
        self.say(self.ticket(id), answer);
        self.say(ticket, Event::Closed { ticket });
    }

    /// SIGSTOP, between two requests or in the middle of one.
    pub fn stop(&mut self, id: u64) {
        let (now, asleep) = (self.now, self.asleep);
        let busy = self.dice.percent(50);
        let process = self.goes_on(id);
        if process.stopped.is_some() {
            return;
        }
        let mut held = Vec::new();
        if let Some(work) = process.work.as_mut().filter(|work| work.since.is_some()) {
            work.pause(now);
            if busy {
                work.begin(now, asleep, Trouble::Late);
                held.push(Step::Completes(now + asleep));
            }
        }
        process.stopped = Some(held);
        self.later(ms(5), Happening::SeesStop(id));
    }

    /// SIGCONT: all that had to wait happens, in its order.
    pub fn resume(&mut self, id: u64) {
        let (now, traffic) = (self.now, self.traffic);
        let process = self.goes_on(id);
        let Some(held) = process.stopped.take() else {
            return;
        };
        if let Some(work) = process.work.as_mut().filter(|work| work.request.is_none()) {
            work.since = traffic.then_some(now);
        }
        self.appoint_milestone(id);
        self.later(ms(5), Happening::SeesStop(id));
        for (index, step) in (1..).zip(held) {
            self.does_at(now + Duration::from_micros(index), id, step);
        }
    }
}

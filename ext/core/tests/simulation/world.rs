//! The supervisor and all that surrounds it.

use std::collections::VecDeque;
use std::time::Duration;

use pitchfork_core::supervisor::{Action, Event, Process, Settings, Supervisor};
use pitchfork_core::wire::Order;

use crate::books::{Books, Check, ensure};
use crate::dice::Dice;
use crate::kernel::Kernel;

/// A line of the story that leads to a failure.
#[derive(Debug)]
enum Said {
    Event(Event),
    Action(Action),
}

pub struct World {
    pub supervisor: Supervisor,
    pub kernel: Kernel,
    pub books: Books,
    /// How many more workers there is memory for.
    pub room: Option<u32>,
    /// How many processes were asked for.
    pub attempts: u64,
    /// Events that the supervisor was told.
    pub events: u64,
    pub exited: Option<i32>,
    /// By how much the clock leapt, as the supervisor was told.
    leapt: Duration,
    /// What was said last, with times.
    story: VecDeque<(Duration, Said)>,
}

impl World {
    pub fn new(settings: Settings, dice: Dice) -> World {
        World {
            supervisor: Supervisor::new(settings.clone()),
            books: Books::new(&settings),
            kernel: Kernel::new(settings, dice),
            room: None,
            attempts: 0,
            events: 0,
            exited: None,
            leapt: Duration::ZERO,
            story: VecDeque::new(),
        }
    }

    /// What the clock shows.
    pub fn clock(&self) -> Duration {
        self.kernel.now + self.kernel.asleep
    }

    /// Tells the supervisor something, checks what it answers, and does it.
    pub fn tell(&mut self, event: Event) {
        if self.exited.is_some() {
            return;
        }
        let now = self.clock();
        self.events += 1;
        self.books.heard(now - self.leapt, &event);
        for (ticket, observed) in self.kernel.observations() {
            self.supervisor.observe(ticket, observed);
            self.books.served(ticket, observed.requests);
        }
        if self.supervisor.wants_room() {
            self.supervisor.observe_room(self.room);
            self.books.cramped |= self.room == Some(0);
        }
        self.weigh(&event);
        self.note(Said::Event(event.clone()));
        let most = 10 * self.supervisor.processes().len() + 100;
        let actions = self.supervisor.step(now, event);
        let sound = actions.len() <= most;
        self.check(ensure(sound, "one event leads to action after action"));
        for action in actions {
            let fault = self.books.ordered(&action, &self.kernel);
            self.carry_out(&action);
            self.note(Said::Action(action));
            self.check(fault);
        }
        let fault = self.books.after_step(now, &self.supervisor);
        self.check(fault);
        let fault = self.kernel.fault.take().map_or(Ok(()), Err);
        self.check(fault);
    }

    fn carry_out(&mut self, action: &Action) {
        match action {
            Action::BootMold { seat, version } => {
                self.attempts += 1;
                self.kernel.boot(*seat, *version);
            }
            Action::Spawn {
                mold,
                seat,
                milestone,
            } => {
                self.attempts += 1;
                self.kernel.set_milestone(seat.ticket, *milestone);
                self.kernel.send(*mold, Order::Spawn(*seat));
            }
            Action::Promote {
                worker,
                seat,
                in_place,
            } => {
                self.attempts += 1;
                let (seat, in_place) = (*seat, *in_place);
                self.kernel.send(*worker, Order::Promote { seat, in_place });
            }
            Action::Milestone { ticket, at } => self.kernel.set_milestone(*ticket, *at),
            Action::Serve(ticket) => self.kernel.send(*ticket, Order::Serve),
            Action::Retire(ticket) => self.kernel.send(*ticket, Order::Retire),
            Action::Interrupt(ticket) => self.kernel.interrupt(*ticket),
            Action::Kill(ticket) => self.kernel.kill(*ticket),
            Action::Forget(ticket) => self.kernel.hang_up(*ticket),
            Action::Exit(status) => self.exited = Some(*status),
            Action::Listen
            | Action::ServerReady
            | Action::Log(..)
            | Action::HardTimeout { .. }
            | Action::WorkerExited { .. }
            | Action::Restarted { .. }
            | Action::RestartFailed { .. }
            | Action::RolloutDone { .. } => {}
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.kernel.now + time;
        while self.advance(end) {}
        self.kernel.now = end.max(self.kernel.now);
    }

    /// The next thing happens, if that is not later than `end`.
    pub fn advance(&mut self, end: Duration) -> bool {
        if self.exited.is_some() {
            return false;
        }
        let due = self.supervisor.deadline(self.clock());
        let due = due.map(|at| at - self.kernel.asleep);
        match (self.kernel.agenda.next(), due) {
            (next, Some(due)) if due <= end && next.is_none_or(|at| due <= at) => {
                self.kernel.now = due;
                self.tell(Event::Tick);
                true
            }
            (Some(at), _) if at <= end => {
                if let Some(event) = self.kernel.happen() {
                    self.tell(event);
                }
                true
            }
            _ => false,
        }
    }

    /// The machine sleeps, or its virtual machine is paused: nobody runs, and the clock goes on.
    pub fn leap(&mut self, time: Duration) {
        self.kernel.asleep += time;
        self.awake(time);
    }

    /// Only the master is stopped. Then it hears at once what has happened meanwhile.
    pub fn nap(&mut self, time: Duration) {
        let end = self.kernel.now + time;
        let mut heard = Vec::new();
        while self.kernel.agenda.next().is_some_and(|at| at <= end) {
            heard.extend(self.kernel.happen());
        }
        self.kernel.now = end;
        self.awake(time);
        for event in heard {
            self.tell(event);
        }
    }

    fn awake(&mut self, time: Duration) {
        self.leapt += time;
        self.tell(Event::Leapt(time));
    }

    fn note(&mut self, said: Said) {
        const STORY: usize = 400;
        if self.story.len() == STORY {
            self.story.pop_front();
        }
        self.story.push_back((self.clock(), said));
    }

    fn check(&self, fault: Check) {
        if let Err(fault) = fault {
            self.fail(&fault);
        }
    }

    pub fn fail(&self, fault: &str) -> ! {
        panic!("{fault}")
    }

    /// What was said last.
    pub fn story(&self) -> String {
        let line = |(at, said): &(Duration, Said)| match said {
            Said::Event(event) => format!("{at:?} {event:?}\n"),
            Said::Action(action) => format!("{at:?}     {action:?}\n"),
        };
        let story: String = self.story.iter().map(line).collect();
        let state = |p: &Process| {
            format!(
                "  {p} version={} {:?} deadline={:?} expires={:?}\n",
                p.version, p.state, p.deadline, p.expires
            )
        };
        let states: String = self.supervisor.processes().iter().map(state).collect();
        let refork = self.supervisor.refork();
        let due = self.supervisor.deadline(self.clock());
        format!("{story}{refork:?} due {due:?}\n{states}")
    }
}

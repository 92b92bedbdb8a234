//! A server whose story a test tells line by line: nothing happens that the test does not say.

#![allow(dead_code)] // each test crate uses its part

use std::collections::BTreeMap;
use std::time::Duration;

use pitchfork_core::policy::{Limits, ReforkAfter};
use pitchfork_core::supervisor::{
    Action, Event, ExitStatus, Observation, Promotion, Request, Settings, State, Supervisor,
};
use pitchfork_core::wire::{Refusal, Seat, Ticket};

pub const STOP: Event = Event::Stop {
    graceful: true,
    signal: "TERM",
};

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many workers, and otherwise the defaults of the configuration, but that a canary has proved itself when it is ready.
pub fn settings(workers: u32) -> Settings {
    Settings {
        workers,
        services: Vec::new(),
        refork_after: ReforkAfter::default(),
        sharing_interval: None,
        max_unavailable: None,
        promotion: Promotion::Auto,
        first_worker_leads: false,
        spawn_timeout: secs(10),
        retire_timeout: secs(22),
        cleanup: secs(2),
        canary_requests: 0,
        canary_time: secs(5),
        limits: Limits::default(),
        memory_limit: None,
        max_consecutive_spawn_errors: None,
        adopts: true,
    }
}

/// The same, but a canary has to serve 10 requests, or to live for five seconds.
pub fn on_probation(settings: Settings) -> Settings {
    Settings {
        canary_requests: 10,
        promotion: Promotion::Fork,
        ..settings
    }
}

/// A promotion the supervisor asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub worker: Ticket,
    pub mold: Ticket,
    pub generation: u32,
    pub in_place: bool,
}

pub struct Server {
    pub supervisor: Supervisor,
    pub now: Duration,
    pub log: Vec<String>,
    /// What was answered to the last event.
    pub last: Vec<Action>,
    /// What was answered and not yet asked for.
    todo: Vec<Action>,
    pids: BTreeMap<Ticket, u32>,
    next_pid: u32,
}

impl Server {
    pub fn new(settings: Settings) -> Server {
        Server {
            supervisor: Supervisor::new(settings),
            now: secs(1_000),
            log: Vec::new(),
            last: Vec::new(),
            todo: Vec::new(),
            pids: BTreeMap::new(),
            next_pid: 100,
        }
    }

    /// Booted, all workers ready, nothing left to do. Long enough ago that a death is no failed start.
    pub fn started(settings: Settings) -> Server {
        let mut server = Server::new(settings);
        server.tell(Event::Start);
        let mold = server.booted();
        server.ready(mold);
        server.settle();
        server.wait(secs(60));
        server.log.clear();
        server
    }

    pub fn tell(&mut self, event: Event) {
        self.last = self.supervisor.step(self.now, event);
        for action in &self.last {
            if let Action::Log(_, text) = action {
                self.log.push(text.clone());
            }
        }
        self.todo.extend(self.last.iter().cloned());
    }

    /// Time passes; the supervisor is woken when it asked to be.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.supervisor.deadline(self.now).filter(|due| *due <= end) {
            assert!(due > self.now, "it would spin");
            self.now = due;
            self.tell(Event::Tick);
        }
        self.now = end;
    }

    fn take<T>(&mut self, wanted: impl Fn(&Action) -> Option<T>) -> Vec<T> {
        let found = self.todo.iter().filter_map(&wanted).collect();
        self.todo.retain(|action| wanted(action).is_none());
        found
    }

    /// The mold that is to be booted.
    pub fn booted(&mut self) -> Ticket {
        let seats = self.take(|action| match action {
            Action::BootMold { seat, .. } => Some(seat.ticket),
            _ => None,
        });
        assert_eq!(seats.len(), 1, "boots {seats:?}");
        seats[0]
    }

    /// The workers that were asked for since the last look.
    pub fn spawned(&mut self) -> Vec<Seat> {
        self.take(|action| match action {
            Action::Spawn { seat, .. } => Some(*seat),
            _ => None,
        })
    }

    /// The promotions that were asked for since the last look.
    pub fn promotions(&mut self) -> Vec<Asked> {
        self.take(|action| match action {
            Action::Promote {
                worker,
                seat,
                in_place,
            } => Some(Asked {
                worker: *worker,
                mold: seat.ticket,
                generation: seat.generation,
                in_place: *in_place,
            }),
            _ => None,
        })
    }

    /// The only one.
    pub fn promoted(&mut self) -> Asked {
        let all = self.promotions();
        assert_eq!(all.len(), 1, "promotes {all:?}");
        all[0]
    }

    /// Who was asked to go since the last look.
    pub fn retired(&mut self) -> Vec<Ticket> {
        self.take(|action| match action {
            Action::Retire(ticket) => Some(*ticket),
            _ => None,
        })
    }

    /// Who was killed since the last look.
    pub fn killed(&mut self) -> Vec<Ticket> {
        self.take(|action| match action {
            Action::Kill(ticket) => Some(*ticket),
            _ => None,
        })
    }

    /// A worker has completed so many requests, and is idle.
    pub fn serves(&mut self, worker: Ticket, requests: u64) {
        let request = None;
        (self.supervisor).observe(worker, Observation { requests, request });
    }

    /// A worker is at a request that began now and may take so long. Answers what its row says.
    pub fn is_busy(&mut self, worker: Ticket, timeout: Duration) -> Request {
        let (since, deadline) = (self.now, self.now + timeout);
        let request = Request { since, deadline };
        self.is_at(worker, request);
        request
    }

    /// A worker's row says that it is at this request.
    pub fn is_at(&mut self, worker: Ticket, request: Request) {
        let request = Some(request);
        (self.supervisor).observe(
            worker,
            Observation {
                requests: 0,
                request,
            },
        );
    }

    /// Whose request was told to be late since the last look.
    pub fn interrupted(&mut self) -> Vec<Ticket> {
        self.take(|action| match action {
            Action::Interrupt(ticket) => Some(*ticket),
            _ => None,
        })
    }

    /// A refork is asked for, and comes as far as the first worker of the new mold.
    pub fn canary(&mut self) -> Ticket {
        self.tell(Event::Refork);
        let asked = self.promoted();
        self.ready(asked.mold);
        let spawned = self.spawned();
        assert_eq!(spawned.len(), 1, "one worker shows that the mold is good");
        spawned[0].ticket
    }

    /// HUP: new code, with these settings, begins to boot.
    pub fn restart(&mut self, version: u32, settings: Settings) -> Ticket {
        let settings = Box::new(settings);
        self.tell(Event::Restart { version, settings });
        self.booted()
    }

    /// A process says hello, with a new pid.
    pub fn born(&mut self, ticket: Ticket) -> u32 {
        self.next_pid += 1;
        self.hello(ticket, self.next_pid);
        self.next_pid
    }

    pub fn hello(&mut self, ticket: Ticket, pid: u32) {
        self.pids.insert(ticket, pid);
        self.tell(Event::Hello { ticket, pid });
    }

    /// A worker that was asked becomes the mold.
    pub fn becomes(&mut self, asked: Asked) {
        self.hello(asked.mold, self.pids[&asked.worker]);
        self.tell(Event::Closed {
            ticket: asked.worker,
        });
        self.ready(asked.mold);
    }

    /// A process is ready, and says hello first if it has not.
    pub fn ready(&mut self, ticket: Ticket) {
        if !self.pids.contains_key(&ticket) {
            self.born(ticket);
        }
        self.tell(Event::Ready { ticket });
    }

    /// A process ends.
    pub fn dies(&mut self, ticket: Ticket, status: ExitStatus) {
        let pid = self.pids[&ticket];
        self.tell(Event::Closed { ticket });
        self.tell(Event::Exited { pid, status });
    }

    pub fn crashes(&mut self, ticket: Ticket) {
        self.dies(ticket, ExitStatus::Signaled(9));
    }

    /// All that was asked for happens at once: workers come, who is to go goes. Promotions wait.
    pub fn settle(&mut self) {
        loop {
            let (come, go, killed) = (self.spawned(), self.retired(), self.killed());
            for seat in &come {
                self.ready(seat.ticket);
            }
            for ticket in &go {
                self.dies(*ticket, ExitStatus::Exited(0));
            }
            for ticket in &killed {
                self.dies(*ticket, ExitStatus::Signaled(9));
            }
            if come.is_empty() && go.is_empty() && killed.is_empty() {
                return;
            }
        }
    }

    /// The same. Answers how many workers have come.
    pub fn spawned_and_settled(&mut self) -> usize {
        let ready = |server: &Server| {
            (server.log.iter())
                .filter(|line| line.starts_with("worker=") && line.contains(" ready in "))
                .count()
        };
        let before = ready(self);
        self.settle();
        ready(self) - before
    }

    /// The ready worker of this number.
    pub fn worker(&self, nr: u32) -> Ticket {
        let found =
            (self.supervisor.processes().iter()).find(|p| p.is_ready_worker() && p.seat.nr == nr);
        found.expect("a ready worker of this number").ticket()
    }

    /// The ready service worker of this name.
    pub fn service(&self, name: &str) -> Ticket {
        let found = (self.supervisor.processes().iter())
            .find(|p| p.name.as_deref() == Some(name) && p.state == State::Ready);
        found.expect("a ready service worker of this name").ticket()
    }

    pub fn mold(&self) -> Ticket {
        self.supervisor.mold().expect("a ready mold").ticket()
    }

    pub fn pid(&self, ticket: Ticket) -> u32 {
        self.pids[&ticket]
    }

    /// The generations of the ready workers by number.
    pub fn generations(&self) -> Vec<u32> {
        let ready = self
            .supervisor
            .processes()
            .iter()
            .filter(|p| p.is_ready_worker());
        let by_number: BTreeMap<u32, u32> = ready.map(|p| (p.seat.nr, p.seat.generation)).collect();
        by_number.into_values().collect()
    }

    pub fn assert_logged(&self, line: &str) {
        assert!(
            self.log.iter().any(|text| text == line),
            "{line:?} is not in {:#?}",
            self.log
        );
    }

    /// The exit status, if the last event brought the end.
    pub fn exit(&self) -> Option<i32> {
        self.last.iter().find_map(|action| match action {
            Action::Exit(status) => Some(*status),
            _ => None,
        })
    }

    /// Whether a mold is to be booted.
    pub fn wants_boot(&self) -> bool {
        self.todo
            .iter()
            .any(|action| matches!(action, Action::BootMold { .. }))
    }

    /// Every worker that is asked says no, from this one on.
    pub fn all_refuse(&mut self, first: Asked, reason: Refusal) {
        let mut next = Some(first);
        while let Some(asked) = next {
            self.tell(Event::Refused {
                ticket: asked.mold,
                reason,
            });
            next = self.promotions().pop();
        }
    }

    /// A rollout goes on until so many workers of the new generation are ready.
    pub fn roll_until(&mut self, generation: u32, workers: usize) {
        while self
            .generations()
            .iter()
            .filter(|is| **is == generation)
            .count()
            < workers
        {
            for ticket in self.retired() {
                self.dies(ticket, ExitStatus::Exited(0));
            }
            let next = self.spawned()[0].ticket;
            self.ready(next);
        }
    }
}

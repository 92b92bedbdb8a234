//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pitchfork_core::supervisor::{Action, Event, Refork, Role, Settings, State, Supervisor};
use pitchfork_core::wire::{Seat, Ticket};

/// What an outsider knows of the processes, from the events and actions alone.
pub struct Books {
    adopts: bool,
    /// All that was ever asked for.
    seats: BTreeMap<Ticket, (Seat, Role)>,
    ready: BTreeSet<Ticket>,
    /// Asked to go, or killed.
    dismissed: BTreeSet<Ticket>,
    forgotten: BTreeSet<Ticket>,
    /// The rest of `seats`, and their rows.
    open: BTreeMap<Ticket, u32>,
    serving: BTreeSet<Ticket>,
    buried: BTreeSet<Ticket>,
    pids: BTreeMap<Ticket, u32>,
    /// The mold that was asked for, until its rollout has come to an end.
    refork: Option<Ticket>,
    /// One of its workers has been ready.
    proven: bool,
    listening: bool,
    announced: bool,
    stopping: bool,
    exited: bool,
    /// Nothing fails in this run, so that there are always enough workers.
    pub expects_capacity: bool,
    /// So many were ready, and are wished for still.
    floor: u32,
    budget: Box<dyn Fn(u32) -> u32>,
}

type Check = Result<(), String>;

fn ensure(holds: bool, otherwise: &str) -> Check {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_string())
    }
}

impl Books {
    pub fn new(settings: &Settings) -> Books {
        let rules = settings.clone();
        Books {
            adopts: settings.adopts,
            seats: BTreeMap::new(),
            ready: BTreeSet::new(),
            dismissed: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            open: BTreeMap::new(),
            serving: BTreeSet::new(),
            buried: BTreeSet::new(),
            pids: BTreeMap::new(),
            refork: None,
            proven: false,
            listening: false,
            announced: false,
            stopping: false,
            exited: false,
            expects_capacity: false,
            floor: 0,
            budget: Box::new(move |workers| rules.budget(workers)),
        }
    }

    pub fn is_forgotten(&self, ticket: Ticket) -> bool {
        self.forgotten.contains(&ticket)
    }

    pub fn heard(&mut self, event: &Event) {
        match event {
            Event::Ready { ticket } if !self.is_forgotten(*ticket) => {
                self.ready.insert(*ticket);
                let generation = |ticket: &Ticket| self.seats[ticket].0.generation;
                let new = self.refork.as_ref().map(generation);
                self.proven |= new == Some(generation(ticket)) && self.refork != Some(*ticket);
            }
            Event::Hello { ticket, pid } if !self.is_forgotten(*ticket) => {
                self.pids.insert(*ticket, *pid);
            }
            Event::Stop { .. } => self.stopping = true,
            _ => {}
        }
    }

    fn introduce(&mut self, seat: Seat, role: Role) -> Check {
        ensure(!self.stopping, "a new process after the end has begun")?;
        let row_taken = self.open.values().any(|row| *row == seat.row);
        ensure(!row_taken, "its row is taken")?;
        self.open.insert(seat.ticket, seat.row);
        let fresh = self.seats.insert(seat.ticket, (seat, role)).is_none();
        ensure(fresh, "a ticket used twice")
    }

    fn is_at_work(&self, ticket: Ticket, role: Role) -> bool {
        self.seats.get(&ticket).is_some_and(|(_, is)| *is == role)
            && self.ready.contains(&ticket)
            && !self.dismissed.contains(&ticket)
            && !self.is_forgotten(ticket)
    }

    /// Whether workers of the new generation were asked for, and not one of them has been ready.
    fn awaits_canary(&self, generation: u32) -> bool {
        let is_one = |ticket: &Ticket| {
            let (seat, role) = self.seats[ticket];
            role == Role::Worker && seat.generation == generation
        };
        !self.proven && self.open.keys().any(is_one)
    }

    fn is_known(&self, ticket: Ticket) -> bool {
        self.seats.contains_key(&ticket) && !self.is_forgotten(ticket)
    }

    pub fn ordered(&mut self, _now: Duration, action: &Action) -> Check {
        ensure(!self.exited, "an action after the exit")?;
        match action {
            Action::BootMold(seat) => self.introduce(*seat, Role::Mold)?,
            Action::Spawn { mold, seat, .. } => {
                ensure(self.is_at_work(*mold, Role::Mold), "the mold can't fork")?;
                let (parent, _) = self.seats[mold];
                ensure(
                    parent.generation == seat.generation,
                    "a worker of another generation",
                )?;
                let too_early = self.refork == Some(*mold) && self.awaits_canary(seat.generation);
                ensure(!too_early, "a second worker before the canary is ready")?;
                self.introduce(*seat, Role::Worker)?;
            }
            Action::Promote { worker, seat, .. } => {
                ensure(self.adopts, "a refork without a subreaper")?;
                ensure(
                    self.is_at_work(*worker, Role::Worker),
                    "the worker is not at work",
                )?;
                ensure(self.refork.is_none(), "two reforks at once")?;
                (self.refork, self.proven) = (Some(seat.ticket), false);
                self.introduce(*seat, Role::Mold)?;
            }
            Action::Listen => {
                ensure(!self.listening, "listens twice")?;
                self.listening = true;
            }
            Action::Serve(ticket) => {
                ensure(self.listening, "serves before it listens")?;
                ensure(
                    self.is_at_work(*ticket, Role::Worker),
                    "who can't work shall serve",
                )?;
                ensure(self.serving.insert(*ticket), "told to serve twice")?;
            }
            Action::Retire(ticket) => {
                ensure(self.is_known(*ticket), "retires a stranger")?;
                ensure(
                    self.pids.contains_key(ticket),
                    "retires who has not said hello",
                )?;
                ensure(!self.dismissed.contains(ticket), "retires it twice")?;
                self.dismissed.insert(*ticket);
            }
            Action::Kill(ticket) => {
                ensure(self.is_known(*ticket), "kills a stranger")?;
                ensure(
                    self.pids.contains_key(ticket),
                    "kills who has not said hello",
                )?;
                self.dismissed.insert(*ticket);
            }
            Action::Forget(ticket) => {
                ensure(self.seats.contains_key(ticket), "forgets a stranger")?;
                ensure(self.forgotten.insert(*ticket), "forgets it twice")?;
                self.open.remove(ticket);
                self.refork = self.refork.filter(|mold| mold != ticket);
            }
            Action::ServerReady => {
                ensure(
                    self.listening && !self.announced,
                    "announced too early, or twice",
                )?;
                self.announced = true;
            }
            Action::WorkerExited { nr, pid, .. } => {
                let who = (self.pids.iter())
                    .find(|(ticket, is)| {
                        *is == pid
                            && !self.buried.contains(ticket)
                            && self.seats[ticket].0.nr == *nr
                    })
                    .map(|(ticket, _)| *ticket);
                ensure(who.is_some(), "a worker that did not exist has ended")?;
                self.buried.extend(who);
            }
            Action::Exit(_) => {
                ensure(self.open.is_empty(), "it exits and leaves processes behind")?;
                self.exited = true;
            }
            Action::Log(_, text) => {
                if text.starts_with("rollout gen=") {
                    let was = self.refork.take().is_some();
                    ensure(was, "the end of a rollout that was not")?;
                } else if text.starts_with("refork to gen=") {
                    self.refork = None;
                }
                self.stopping |= text.contains("giving up") || text.contains("did not boot");
                if self.stopping {
                    self.refork = None;
                }
            }
        }
        Ok(())
    }

    pub fn after_step(&mut self, now: Duration, supervisor: &Supervisor) -> Check {
        let processes = supervisor.processes();
        let known: BTreeSet<Ticket> = processes.iter().map(|p| p.ticket()).collect();
        let same = known.iter().eq(self.open.keys());
        ensure(same, "open channels and known processes differ")?;
        let rows: BTreeSet<u32> = processes.iter().map(|p| p.seat.row).collect();
        ensure(rows.len() == processes.len(), "two processes in one row")?;
        let due = supervisor.deadline(now);
        ensure(
            due.is_none_or(|due| due > now),
            "what is due was not done: it would spin",
        )?;
        if self.stopping {
            return Ok(());
        }
        let ready = processes.iter().filter(|p| p.is_ready_worker());
        let numbers: BTreeSet<u32> = ready.clone().map(|p| p.seat.nr).collect();
        ensure(
            numbers.len() == ready.count(),
            "two ready workers of one number",
        )?;
        // One too many may stay until it has answered whether it becomes a mold.
        let is_asked = |worker: Ticket| {
            (processes.iter()).any(|p| p.pid.is_none() && p.parent == Some(worker))
        };
        let beyond = (processes.iter())
            .filter(|p| p.is_ready_worker() && !is_asked(p.ticket()))
            .any(|p| p.seat.nr >= supervisor.wished_workers());
        ensure(!beyond, "a ready worker beyond the wished number")?;
        self.check_refork(supervisor)?;
        self.check_capacity(supervisor)
    }

    fn check_refork(&self, supervisor: &Supervisor) -> Check {
        let mold = match supervisor.refork() {
            Refork::Idle => None,
            Refork::Promoting { mold, .. } | Refork::Rolling { mold, .. } => Some(mold),
        };
        // Between a refusal and the next candidate the outsider still waits.
        ensure(mold.is_none() || mold == self.refork, "an unknown refork")?;
        let lives = |p: &pitchfork_core::supervisor::Process| {
            Some(p.ticket()) == mold && p.role == Role::Mold && p.state != State::Retiring
        };
        let alive = mold.is_none() || supervisor.processes().iter().any(lives);
        ensure(alive, "a refork to a mold that is gone")
    }

    fn check_capacity(&mut self, supervisor: &Supervisor) -> Check {
        let (ready, wished) = (supervisor.ready_workers(), supervisor.wished_workers());
        let complete = ready >= wished;
        self.floor = if complete {
            wished
        } else {
            self.floor.min(wished)
        };
        let least = self.floor.saturating_sub((self.budget)(wished));
        let enough = ready >= least || !self.expects_capacity;
        ensure(
            enough,
            &format!("{ready} ready workers, {least} were promised"),
        )
    }
}

//! What virtual processes do.

use std::time::Duration;

use pitchfork_core::supervisor::{Event, ExitStatus, Promotion};
use pitchfork_core::wire::{Refusal, Seat, Ticket};

use super::agenda::Happening;
use super::{Virtual, World, ms, secs};

/// What a process is asked to bring into the world.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    Worker { warm_at: Option<u64> },
    Mold { in_place: bool },
}

/// errno of sendmsg(2) when the other end is gone.
const EPIPE: i32 = 32;
/// errno of fork(2) when there are too many processes.
const EAGAIN: i32 = 11;

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Hears(event) => self.tell(event),
            Happening::HearsOn(ticket, event) => self.hear(ticket, event),
            Happening::Reaps(id) => {
                let life = self.lives.remove(&id).filter(|life| life.ours);
                if let Some(life) = life.filter(|_| self.exited.is_none()) {
                    let (pid, status) = (life.pid, life.fate);
                    self.tell(Event::Exited { pid, status });
                }
            }
            Happening::SaysHello(id) => self.say_hello(id),
            Happening::IsReady(id) => self.be_ready(id),
            Happening::GetsWish(id, seat, wish) => self.fulfil(id, seat, wish),
            Happening::Serves(id) => self.serve(id),
            Happening::Leaves(id) => self.end(id, None),
            Happening::Dies(id, signal) => self.end(id, Some(signal)),
            Happening::NoticesHangUp(id, ticket) => {
                if self
                    .alive(id)
                    .is_some_and(|life| life.seat.ticket == ticket)
                {
                    self.end(id, None);
                }
            }
            Happening::IsWarm(id) => {
                if let Some(life) = self.alive(id).filter(|_| self.traffic) {
                    let (ticket, requests) = (life.seat.ticket, life.warm_at.unwrap_or(0));
                    self.supervisor.observe(ticket, requests);
                    self.say(ticket, Event::Warm { ticket });
                }
            }
        }
    }

    /// Appoints something for soon, or in at most `most`.
    pub(super) fn later(&mut self, most: Duration, happening: Happening) {
        let at = self.now + self.dice.delay(most);
        self.agenda.add(at, happening);
    }

    pub(super) fn boot(&mut self, seat: Seat) {
        self.attempts += 1;
        let ticket = seat.ticket;
        if self.dice.percent(self.faults.fork_fails) {
            self.later(
                ms(5),
                Happening::Hears(Event::ForkFailed {
                    ticket,
                    errno: EAGAIN,
                }),
            );
            return;
        }
        let id = self.be_born(seat, true, None, true);
        let life = self.lives.get_mut(&id).expect("just born");
        life.booted = true;
        self.start(id);
        self.handles.insert(ticket, id);
        let pid = self.lives[&id].pid;
        // The master started it itself, so it knows the pid at once.
        self.agenda
            .add_message(self.now, ticket, Event::Hello { ticket, pid });
    }

    /// An order that carries the other end of a new channel.
    pub(super) fn send(&mut self, to: Ticket, seat: Seat, wish: Wish) {
        let id = self
            .owner(to)
            .filter(|_| !self.dice.percent(self.faults.unreachable));
        match id {
            Some(id) => {
                let busy = if matches!(wish, Wish::Worker { .. }) {
                    ms(20)
                } else {
                    secs(3)
                };
                self.later(busy, Happening::GetsWish(id, seat, wish));
            }
            None => {
                let event = Event::ForkFailed {
                    ticket: seat.ticket,
                    errno: EPIPE,
                };
                self.later(ms(1), Happening::Hears(event));
            }
        }
    }

    /// An order that says nothing more.
    pub(super) fn order(&mut self, to: Ticket, happening: fn(u64) -> Happening) {
        if let Some(id) = self.owner(to).filter(|id| !self.lives[id].hung) {
            let after = self.agenda.last_arrival(to).max(self.now);
            let at = after + self.dice.delay(secs(2));
            self.agenda.add(at, happening(id));
        }
    }

    /// The master closes its end of a channel.
    pub(super) fn hang_up(&mut self, ticket: Ticket) {
        if let Some(id) = self.owner(ticket) {
            let most = if self.lives[&id].hung {
                secs(60)
            } else {
                ms(100)
            };
            self.later(most, Happening::NoticesHangUp(id, ticket));
        }
    }

    fn hear(&mut self, ticket: Ticket, event: Event) {
        // What was read in the same turn in which the channel was closed may still be told.
        let late = self.dice.percent(5);
        if self.exited.is_some() || (self.books.is_forgotten(ticket) && !late) {
            return;
        }
        if let Event::Hello { pid, .. } = event {
            let found = self
                .lives
                .iter()
                .find(|(_, life)| life.pid == pid && !life.dead);
            let id = found
                .filter(|(_, life)| life.seat.ticket == ticket)
                .map(|(id, _)| *id);
            self.handles.extend(id.map(|id| (ticket, id)));
        }
        self.tell(event);
    }

    fn say(&mut self, ticket: Ticket, event: Event) {
        let at = self.now + self.dice.delay(ms(10));
        self.agenda.add_message(at, ticket, event);
    }

    fn alive(&self, id: u64) -> Option<&Virtual> {
        self.lives.get(&id).filter(|life| !life.dead)
    }

    /// Who holds the other end of a channel.
    fn owner(&self, ticket: Ticket) -> Option<u64> {
        let found = self
            .lives
            .iter()
            .find(|(_, life)| !life.dead && life.seat.ticket == ticket);
        found.map(|(id, _)| *id)
    }

    fn be_born(&mut self, seat: Seat, mold: bool, warm_at: Option<u64>, ours: bool) -> u64 {
        self.last_life += 1;
        let id = self.last_life;
        let free = |pid: &u32| self.lives.values().all(|life| life.pid != *pid);
        let pids: Vec<u32> = (2..2 + 2 * self.lives.len() as u32 + 8)
            .filter(free)
            .collect();
        let pid = pids[self.dice.below(pids.len() as u64) as usize];
        let life = Virtual {
            pid,
            seat,
            mold,
            ready: false,
            hung: false,
            dead: false,
            booted: false,
            ours,
            warm_at,
            unread: Vec::new(),
            fate: ExitStatus::Exited(0),
        };
        self.lives.insert(id, life);
        id
    }

    fn start(&mut self, id: u64) {
        if self.dice.percent(self.faults.stillborn) {
            self.later(ms(20), Happening::Dies(id, 11));
        } else if self.dice.percent(self.faults.hangs / 2) && !self.lives[&id].booted {
            self.hang(id);
        } else {
            self.later(ms(20), Happening::SaysHello(id));
        }
    }

    fn hang(&mut self, id: u64) {
        if let Some(life) = self.lives.get_mut(&id) {
            life.hung = true;
        }
    }

    fn say_hello(&mut self, id: u64) {
        let Some((ticket, pid, hung)) = self
            .alive(id)
            .map(|life| (life.seat.ticket, life.pid, life.hung))
        else {
            return;
        };
        if hung {
            return;
        }
        self.say(ticket, Event::Hello { ticket, pid });
        if self.dice.percent(self.faults.dies_young) {
            self.later(ms(500), Happening::Dies(id, 6));
        } else if self.dice.percent(self.faults.hangs / 2) && !self.lives[&id].booted {
            self.hang(id);
        } else {
            self.later(ms(800), Happening::IsReady(id));
        }
    }

    fn be_ready(&mut self, id: u64) {
        if self.alive(id).is_none_or(|life| life.hung) {
            return;
        }
        let life = self.lives.get_mut(&id).expect("alive");
        life.ready = true;
        let ticket = life.seat.ticket;
        self.say(ticket, Event::Ready { ticket });
        if self.dice.percent(self.faults.dies_at_work) {
            self.later(secs(2), Happening::Dies(id, 11));
        } else if self.dice.percent(self.faults.leaves) {
            self.later(secs(2), Happening::Leaves(id));
        } else if self.dice.percent(self.faults.hangs / 2) {
            self.hang(id);
        }
    }

    fn serve(&mut self, id: u64) {
        if let Some(warm_at) = self.alive(id).and_then(|life| life.warm_at) {
            let took = ms(warm_at) * (1 + self.dice.below(20) as u32);
            self.agenda.add(self.now + took, Happening::IsWarm(id));
        }
    }

    fn fulfil(&mut self, id: u64, seat: Seat, wish: Wish) {
        let Some((own, ours, hung)) = self
            .alive(id)
            .map(|life| (life.seat.ticket, life.ours, life.hung))
        else {
            return;
        };
        let ticket = seat.ticket;
        if hung {
            // It lies in the socket, until the end of the process.
            let life = self.lives.get_mut(&id).expect("alive");
            life.unread.push(seat);
            return;
        }
        if self.dice.percent(self.faults.fork_fails) {
            self.say(
                own,
                Event::ForkFailed {
                    ticket,
                    errno: EAGAIN,
                },
            );
            self.say(ticket, Event::Closed { ticket });
        } else if let Wish::Worker { warm_at } = wish {
            let adopted = ours && self.settings.adopts;
            let id = self.be_born(seat, false, warm_at, adopted);
            self.start(id);
        } else if self.dice.percent(self.faults.refuses) {
            let kinds = [Refusal::NotForkSafe, Refusal::Threads, Refusal::Failed];
            let reason = kinds[self.dice.below(3) as usize];
            self.say(own, Event::Refused { ticket, reason });
            self.say(ticket, Event::Closed { ticket });
        } else if matches!(wish, Wish::Mold { in_place: true })
            && (self.settings.promotion == Promotion::InPlace || self.dice.percent(70))
        {
            let life = self.lives.get_mut(&id).expect("alive");
            (life.seat, life.mold, life.ready, life.warm_at) = (seat, true, false, None);
            self.say(own, Event::Closed { ticket: own });
            if self.books.is_forgotten(ticket) {
                self.later(ms(10), Happening::NoticesHangUp(id, ticket));
            }
            self.say_hello(id);
        } else {
            let id = self.be_born(seat, true, None, true);
            self.start(id);
        }
        // Born into a channel that the master has closed meanwhile.
        if self.books.is_forgotten(ticket) {
            self.hang_up(ticket);
        }
    }

    fn end(&mut self, id: u64, signal: Option<i32>) {
        if self.alive(id).is_none() {
            return;
        }
        let life = self.lives.get_mut(&id).expect("alive");
        life.dead = true;
        life.fate = signal.map_or(ExitStatus::Exited(0), ExitStatus::Signaled);
        let ticket = life.seat.ticket;
        let mut unread = std::mem::take(&mut life.unread);
        unread.extend(self.agenda.undelivered(id));
        for seat in unread {
            let ticket = seat.ticket;
            self.say(ticket, Event::Closed { ticket });
        }
        self.say(ticket, Event::Closed { ticket });
        let spoken = self.agenda.last_arrival(ticket);
        let after = if self.dice.percent(self.faults.reaped_early) {
            self.now
        } else {
            spoken
        };
        let at = after.max(self.now) + self.dice.delay(ms(20));
        self.agenda.add(at, Happening::Reaps(id));
    }
}

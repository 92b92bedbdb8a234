//! What the master asks of the kernel.

use pitchfork_core::supervisor::{Event, Role};
use pitchfork_core::wire::{Order, Seat, Ticket};

use super::{EAGAIN, Kernel};
use crate::agenda::{Happening, Step};
use crate::fault::Fault;
use crate::process::Process;
use crate::{ms, secs};

/// errno of sendmsg(2) when the other end is gone.
pub const EPIPE: i32 = 32;
impl Kernel {
    /// The master starts a process that boots the app.
    pub fn boot(&mut self, seat: Seat, version: u32) {
        let ticket = seat.ticket;
        if self.strikes(Fault::ForkFails) {
            self.order_failed(ticket, EAGAIN);
            return;
        }
        let mut mold = Process::new(seat, Role::Mold, version);
        mold.booted = true;
        let id = self.be_born(mold);
        self.start(id);
        self.handles.insert(ticket, id);
        let pid = self.processes[&id].pid;
        // The master started it itself, so it knows the pid at once.
        self.agenda
            .add_message(self.now, ticket, Event::Hello { ticket, pid });
    }

    /// The master sends an order. One for a new process carries the other end of that one's channel.
    pub fn send(&mut self, to: Ticket, order: Order) {
        let wanted = commissioned(order);
        let lost = wanted.is_some() && self.strikes(Fault::Unreachable);
        match self.owner(to).filter(|_| !lost) {
            Some(id) => {
                let process = self.goes_on(id);
                process.inbox.push_back(order);
                if process.inbox.len() == 1 {
                    self.read_later(id);
                }
            }
            // Of other orders nobody learns that they are lost.
            None => wanted.map_or((), |seat| self.order_failed(seat.ticket, EPIPE)),
        }
    }

    fn order_failed(&mut self, ticket: Ticket, errno: i32) {
        let event = Event::ForkFailed { ticket, errno };
        self.later(ms(1), Happening::Hears(event));
    }

    /// A worker looks at its channel between two requests.
    pub fn read_later(&mut self, id: u64) {
        let mold = self.processes[&id].role == Role::Mold;
        let busy = if mold { ms(20) } else { secs(2) };
        self.does_later(busy, id, Step::ReadsOrder);
    }

    /// The master kills a process, if it knows one by this name.
    pub fn kill(&mut self, ticket: Ticket) {
        if let Some(id) = self.handles.get(&ticket).copied() {
            self.does_later(ms(5), id, Step::Dies(9));
        }
    }

    /// The master tells a worker that its request is late.
    pub fn interrupt(&mut self, ticket: Ticket) {
        if let Some(id) = self.handles.get(&ticket).copied() {
            self.does_later(ms(5), id, Step::IsInterrupted);
        }
    }

    /// The master closes its end of a channel.
    pub fn hang_up(&mut self, ticket: Ticket) {
        self.closed.insert(ticket);
        self.handles.remove(&ticket);
        self.milestones.remove(&ticket);
        if let Some(id) = self.owner(ticket) {
            // A stuck process comes to its senses, or an operator to his.
            let most = if self.processes[&id].hangs {
                secs(60)
            } else {
                ms(100)
            };
            self.does_later(most, id, Step::NoticesHangUp(ticket));
        }
    }
}

/// The place of the new process that an order asks for.
pub(super) fn commissioned(order: Order) -> Option<Seat> {
    match order {
        Order::Spawn(seat) | Order::Promote { seat, .. } => Some(seat),
        Order::Serve | Order::Retire => None,
    }
}

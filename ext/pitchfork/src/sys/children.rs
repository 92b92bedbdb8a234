//! The children as the master holds them: by ticket, each with its channel, its row, and what it can be signalled by.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::signal::Signal;
use pitchfork_core::wire::{Order, SIZE, Seat, Ticket};

use crate::sys::channel::{Channel, Received};
use crate::sys::process;

/// All children that were asked for and are not forgotten, and the epoll instance that waits for what they say.
pub struct Children {
    epoll: Epoll,
    known: BTreeMap<Ticket, Child>,
}

struct Child {
    channel: Channel,
    row: u32,
    pid: Option<(u32, Option<OwnedFd>)>,
    /// It has said hello itself, and so handles signals. (A boot mold's pid is known from its start.)
    spoke: bool,
}

/// What came from a child.
pub enum Said {
    Message {
        bytes: [u8; SIZE],
        sender: Option<u32>,
    },
    /// Nobody holds the other end of its channel any more. Said once.
    Closed,
}

impl Children {
    /// None yet.
    pub fn new() -> nix::Result<Children> {
        Ok(Children {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            known: BTreeMap::new(),
        })
    }

    /// Readable when a child has something to say; the event's data is its ticket.
    pub fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    /// Makes the channel of a new process. Answers the end that it is to have.
    pub fn enlist(&mut self, seat: Seat) -> nix::Result<OwnedFd> {
        let (channel, theirs) = Channel::pair()?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, seat.ticket.0);
        self.epoll.add(channel.as_fd(), event)?;
        let child = Child {
            channel,
            row: seat.row,
            pid: None,
            spoke: false,
        };
        self.known.insert(seat.ticket, child);
        Ok(theirs)
    }

    /// Its pid is known now. It can't have been reaped yet, so the pid is still its own; a zombie has a pidfd, too. Answers
    /// whether there is such a child.
    pub fn introduce(&mut self, ticket: Ticket, pid: u32) -> bool {
        let Some(child) = self.known.get_mut(&ticket) else {
            return false;
        };
        child.pid = Some((pid, process::pidfd(pid).ok()));
        true
    }

    /// It has said hello itself.
    pub fn has_spoken(&mut self, ticket: Ticket) {
        if let Some(child) = self.known.get_mut(&ticket) {
            child.spoke = true;
        }
    }

    /// Closes its channel, which takes it out of epoll, too.
    pub fn forget(&mut self, ticket: Ticket) {
        self.known.remove(&ticket);
    }

    /// Its row in the scoreboard.
    pub fn row(&self, ticket: Ticket) -> Option<u32> {
        self.known.get(&ticket).map(|child| child.row)
    }

    /// All rows, by ticket.
    pub fn rows(&self) -> impl Iterator<Item = (Ticket, u32)> {
        (self.known.iter()).map(|(ticket, child)| (*ticket, child.row))
    }

    /// Those that handle signals.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        let speaking = self.known.values().filter(|child| child.spoke);
        speaking.filter_map(|child| Some(child.pid.as_ref()?.0))
    }

    /// Whose death this may be: one whose first word is still unread may have any pid.
    pub fn that_may_be(&self, pid: u32) -> Vec<Ticket> {
        let may_be = |child: &Child| child.pid.as_ref().is_none_or(|(known, _)| *known == pid);
        (self.known.iter())
            .filter(|(_, child)| may_be(child))
            .map(|(ticket, _)| *ticket)
            .collect()
    }

    /// A message that does not arrive needs no answer: the process is going, or its deadline will find it.
    pub fn send(&self, ticket: Ticket, order: Order) {
        if let Some(child) = self.known.get(&ticket) {
            (child.channel.send(&order.encode(), None)).unwrap_or_default();
        }
    }

    /// An order, and a descriptor with it. ESRCH: there is no such child.
    pub fn send_with(&self, ticket: Ticket, order: Order, fd: BorrowedFd<'_>) -> nix::Result<()> {
        let child = self.known.get(&ticket).ok_or(Errno::ESRCH)?;
        child.channel.send(&order.encode(), Some(fd))
    }

    /// Sends a signal. One that can't be sent any more needs no answer: the child's end will be reaped.
    pub fn signal(&self, ticket: Ticket, signal: Signal) {
        let known = self.known.get(&ticket).and_then(|child| child.pid.as_ref());
        if let Some((pid, pidfd)) = known {
            process::signal(*pid, pidfd.as_ref(), signal).unwrap_or_default();
        }
    }

    /// What a child has said next; `None`: nothing more.
    pub fn hear(&mut self, ticket: Ticket) -> Option<Said> {
        let child = self.known.get(&ticket)?;
        match child.channel.receive() {
            Ok(Received::Message { bytes, sender, .. }) => Some(Said::Message { bytes, sender }),
            Ok(Received::Nothing) => None,
            Ok(Received::End) | Err(_) => {
                // A closed channel stays readable for ever: it is told once, when it is taken out of epoll.
                let first = self.epoll.delete(child.channel.as_fd()).is_ok();
                first.then_some(Said::Closed)
            }
        }
    }
}

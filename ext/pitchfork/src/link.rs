//! What every child of the master holds: its channel, the death pipe, and its row.

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use magnus::{Error, Ruby};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use pitchfork_core::wire::{Order, Report, Seat};

use crate::ruby::{errors, gvl};
use crate::sys::channel::{Channel, Received};
use crate::sys::scoreboard::Scoreboard;

/// A child's side of its connection with the master.
pub struct Link {
    channel: Channel,
    death: RawFd,
    pub scoreboard: Scoreboard,
    pub seat: Seat,
}

/// What the master wants, or that it is no more.
pub enum Heard {
    Order(Order, Option<OwnedFd>),
    /// The master is dead, or has closed the channel: it does not want this process.
    End,
}

impl Link {
    /// `death`: the reading end of a pipe whose only writer is the master. It belongs to a Ruby IO that lives as long as the
    /// process.
    pub fn new(channel: OwnedFd, death: RawFd, scoreboard: Scoreboard, seat: Seat) -> Self {
        Link {
            channel: Channel::new(channel),
            death,
            scoreboard,
            seat,
        }
    }

    /// The link of the process that this one has become, or is after a fork. It takes its row.
    pub fn hand_on(&self, channel: OwnedFd, seat: Seat) -> Link {
        self.scoreboard.row(seat.row).set_pid(std::process::id());
        Link::new(channel, self.death, self.scoreboard.clone(), seat)
    }

    pub fn channel(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    pub fn death(&self) -> BorrowedFd<'_> {
        // SAFETY: the Ruby IO that owns it is never closed.
        unsafe { BorrowedFd::borrow_raw(self.death) }
    }

    /// Tells the master something. `false`: it does not want to hear of this process any more, or is dead. That needs no
    /// answer here, for the end of the channel says it again to whoever listens next.
    pub fn report(&self, ruby: &Ruby, report: Report) -> Result<bool, Error> {
        match self.channel.send(&report.encode(), None) {
            Ok(()) => Ok(true),
            Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(false),
            Err(errno) => Err(errors::system(ruby, "no word to the master", errno)),
        }
    }

    /// What has come from the master, if anything.
    pub fn hear(&self, ruby: &Ruby) -> Result<Option<Heard>, Error> {
        let received = self.channel.receive();
        match received.map_err(|errno| errors::system(ruby, "no word from the master", errno))? {
            Received::Nothing => Ok(None),
            Received::End => Ok(Some(Heard::End)),
            Received::Message { bytes, fd, .. } => match Order::decode(&bytes) {
                Ok(order) => Ok(Some(Heard::Order(order, fd))),
                Err(_) => Err(errors::misuse(ruby, format!("no order: {bytes:?}"))),
            },
        }
    }

    /// Waits for the master. `None`: interrupted, look at what the traps have changed.
    pub fn listen(&self, ruby: &Ruby) -> Result<Option<Heard>, Error> {
        let mut fds = [
            PollFd::new(self.channel(), PollFlags::POLLIN),
            PollFd::new(self.death(), PollFlags::POLLIN),
        ];
        if gvl::poll_once(ruby, &mut fds, None)?.is_none() {
            return Ok(None);
        }
        let says = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        match (says(&fds[0]), says(&fds[1])) {
            (_, true) => Ok(Some(Heard::End)),
            (true, false) => self.hear(ruby),
            (false, false) => Ok(None),
        }
    }
}

/// An order to make another process, with the channel it is to have.
pub struct Commission {
    pub seat: Seat,
    pub channel: OwnedFd,
}

/// Takes over a descriptor that Ruby code has inherited or detached.
pub fn adopt_fd(fd: RawFd) -> OwnedFd {
    // SAFETY: lib/pitchfork gives these descriptors away and never touches them again.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

//! A worker's place among those who wait for connections.
//!
//! The hot path makes no system call it does not need (R7): while requests keep coming, the worker goes straight from one
//! to accepting the next. [`LOOK`] bounds how long it may do so without a look at the master.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use magnus::{Error, Ruby};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::lingering::Lingering;
use crate::link::{Heard, Link};
use crate::ruby::{errors, gvl};
use crate::sys::clock::monotonic;
use crate::sys::socket::{self, Peer};

/// A busy worker looks at the master's channel and at all listeners at least so often, and after any request that took
/// longer.
const LOOK: Duration = Duration::from_millis(5);

const CHANNEL: u64 = u64::MAX;
const DEATH: u64 = u64::MAX - 1;

/// A listening socket. It belongs to a Ruby Socket that lives as long as the process.
pub struct Listener {
    pub fd: RawFd,
    /// For requests that do not say which host they mean.
    pub name: Vec<u8>,
    pub port: u16,
}

/// A connection with a request to come.
pub struct Connection {
    pub fd: OwnedFd,
    pub peer: Peer,
    /// The listener's index.
    pub from: usize,
    /// What was received from it already. Nothing, for a connection that was just accepted.
    pub received: Vec<u8>,
}

/// What has come.
pub enum Next {
    Connection(Connection),
    Heard(Heard),
    /// The master is dead.
    Death,
    /// Nothing, or interrupted.
    Again,
}

/// The listeners, and the epoll instance that waits for them and for the master.
pub struct Rotation {
    epoll: Epoll,
    listeners: Vec<Listener>,
    lingering: Lingering,
    /// The listener that gave the last connection: the next one is likely to be there.
    last: usize,
    /// When all descriptors were looked at.
    looked: Duration,
}

impl Rotation {
    /// Not yet among those who wait.
    pub fn new(listeners: Vec<Listener>) -> nix::Result<Self> {
        Ok(Rotation {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            listeners,
            lingering: Lingering::default(),
            last: 0,
            looked: Duration::ZERO,
        })
    }

    pub fn listener(&self, index: usize) -> &Listener {
        &self.listeners[index]
    }

    /// Begins to wait for the master, and enters the rotation. Exclusive: one waiting worker is woken for a connection, the
    /// one that registered first, so that few busy workers warm up and the others keep sharing their pages. The order is
    /// the workers' age. A connection whose worker dies between being woken and accepting is seen by the next one to
    /// register, which is its replacement.
    pub fn join(&self, link: &Link) -> nix::Result<()> {
        let readable = |source| EpollEvent::new(EpollFlags::EPOLLIN, source);
        self.epoll.add(link.channel(), readable(CHANNEL))?;
        self.epoll.add(link.death(), readable(DEATH))?;
        for (index, listener) in self.listeners.iter().enumerate() {
            let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
            // SAFETY: the Ruby Socket that owns it is open as long as this process is a worker.
            let fd = unsafe { BorrowedFd::borrow_raw(listener.fd) };
            self.epoll.add(fd, EpollEvent::new(flags, index as u64))?;
        }
        Ok(())
    }

    /// Waits for the next connection or word from the master. It does not sleep for longer than `patience`.
    pub fn next(
        &mut self,
        ruby: &Ruby,
        link: &Link,
        patience: Option<Duration>,
    ) -> Result<Next, Error> {
        let now = monotonic();
        if now.saturating_sub(self.looked) < LOOK {
            if let Some(connection) = self.accept(ruby, self.last)? {
                return Ok(Next::Connection(connection));
            }
        } else if let Some(source) = self.look() {
            self.looked = now;
            return self.dispatch(ruby, link, source);
        }
        // One event at a time: a second connection is somebody else's until we can serve it. Events come in the order they
        // happened, so what woke us is answered before an order to leave that came after it: no connection is left behind.
        let mut events = [EpollEvent::empty()];
        let epoll = &self.epoll;
        let parting = self.lingering.expire(epoll);
        let timeout = gvl::timeout(parting.into_iter().chain(patience).min());
        let waited = gvl::interruptible(ruby, "epoll_wait", || epoll.wait(&mut events, timeout))?;
        self.looked = monotonic();
        match waited {
            Some(1) => self.dispatch(ruby, link, events[0].data()),
            _ => Ok(Next::Again),
        }
    }

    /// A connection that waits for somebody to accept it, on any listener.
    pub fn next_in_queue(&mut self, ruby: &Ruby) -> Result<Option<Connection>, Error> {
        for from in 0..self.listeners.len() {
            if let Some(connection) = self.accept(ruby, from)? {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }

    /// Ends a connection that was answered, when its client has stopped sending.
    pub fn linger(&mut self, socket: OwnedFd) {
        self.lingering.add(&self.epoll, socket);
    }

    /// What is ready now. The master goes before clients: under load there is always a next one.
    fn look(&mut self) -> Option<u64> {
        self.lingering.expire(&self.epoll);
        let mut events = [EpollEvent::empty(); 16];
        let ready = (self.epoll.wait(&mut events, EpollTimeout::ZERO)).unwrap_or(0);
        let sources = events.iter().take(ready).map(EpollEvent::data);
        // Greater than all indices of listeners; else the one that has waited longest.
        (sources.clone().find(|source| *source >= DEATH)).or_else(|| sources.clone().next())
    }

    fn dispatch(&mut self, ruby: &Ruby, link: &Link, source: u64) -> Result<Next, Error> {
        match source {
            DEATH => Ok(Next::Death),
            CHANNEL => Ok(link.hear(ruby)?.map_or(Next::Again, Next::Heard)),
            lingering if lingering & Lingering::MARK != 0 => {
                self.lingering.drain(&self.epoll, lingering);
                Ok(Next::Again)
            }
            listener => {
                let connection = self.accept(ruby, usize::try_from(listener).unwrap_or(0))?;
                Ok(connection.map_or(Next::Again, Next::Connection))
            }
        }
    }

    fn accept(&mut self, ruby: &Ruby, from: usize) -> Result<Option<Connection>, Error> {
        self.last = from;
        let accepted = socket::accept(self.listeners[from].fd)
            .map_err(|errno| errors::system(ruby, "accept4", errno))?;
        Ok(accepted.map(|(fd, peer)| Connection {
            fd,
            peer,
            from,
            received: Vec::new(),
        }))
    }
}

//! Connections that are answered while their clients are still sending, as when an upload is refused.
//!
//! Closing with unread bytes in the buffer makes TCP reset the connection, and the client may lose the response that is
//! still on its way (RFC 9112, section 9.6). So the end is said first, and what comes until the client has closed its side
//! is read and dropped: beside the worker's work, which goes on meanwhile, and within bounds.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};

use crate::sys::clock::monotonic;
use crate::sys::socket;

/// How long a client may go on sending.
const LONGEST: Duration = Duration::from_secs(30);

/// How long it may pause.
const PAUSE: Duration = Duration::from_secs(2);

/// So many at a time. When another comes, the oldest one is closed.
const MOST: usize = 64;

/// Those connections. Each is registered with the worker's epoll instance, under its descriptor.
#[derive(Default)]
pub struct Lingering {
    connections: Vec<Parting>,
}

struct Parting {
    socket: OwnedFd,
    /// When it has to be closed at the latest.
    end: Duration,
    /// When it is closed if nothing has come by then.
    pause: Duration,
}

impl Lingering {
    /// Ends the connection as soon as its client has.
    pub fn add(&mut self, epoll: &Epoll, socket: OwnedFd) {
        if socket::end(socket.as_fd()).is_err() {
            return; // disconnected already
        }
        if self.connections.len() == MOST {
            forget(epoll, self.connections.remove(0));
        }
        let source = u64::try_from(socket.as_raw_fd()).unwrap_or(0);
        let readable = EpollEvent::new(EpollFlags::EPOLLIN, source | Self::MARK);
        // Out of memory, or of what the kernel lets a user watch: then it is closed at once.
        if epoll.add(&socket, readable).is_ok() {
            let now = monotonic();
            self.connections.push(Parting {
                socket,
                end: now + LONGEST,
                pause: now + PAUSE,
            });
        }
    }

    /// What tells the events of these connections from those of listeners.
    pub const MARK: u64 = 1 << 32;

    /// Reads and drops what has come on one of them. `source` is that of the event.
    pub fn drain(&mut self, epoll: &Epoll, source: u64) {
        let fd = RawFd::try_from(source & !Self::MARK).unwrap_or(-1);
        let found = (self.connections.iter()).position(|c| c.socket.as_raw_fd() == fd);
        if let Some(index) = found {
            if !self.connections[index].drain() {
                forget(epoll, self.connections.remove(index));
            }
        }
    }

    /// Closes those whose time has passed, and says how long the next one has. `None`: there is none.
    pub fn expire(&mut self, epoll: &Epoll) -> Option<Duration> {
        if self.connections.is_empty() {
            return None;
        }
        let now = monotonic();
        let (over, left) = (self.connections.drain(..)).partition(|c: &Parting| c.is_over(now));
        self.connections = left;
        for mut parting in Vec::into_iter(over) {
            // It may be the worker that had no time.
            if parting.end > now && parting.drain() && !parting.is_over(now) {
                self.connections.push(parting);
            } else {
                forget(epoll, parting);
            }
        }
        (self.connections.iter())
            .map(|c| c.end.min(c.pause).saturating_sub(now))
            .min()
    }
}

impl Parting {
    fn is_over(&self, now: Duration) -> bool {
        self.end.min(self.pause) <= now
    }

    /// Reads and drops what has come. `false`: the client has ended, too.
    fn drain(&mut self) -> bool {
        match self.drop_some() {
            Ok(Some(0)) | Err(_) => false,
            Ok(Some(_)) => {
                self.pause = monotonic() + PAUSE;
                true
            }
            Ok(None) => true,
        }
    }

    fn drop_some(&self) -> nix::Result<Option<usize>> {
        let mut scrap = [0; 64 * 1024];
        socket::receive(self.socket.as_fd(), &mut scrap)
    }
}

/// A worker that leaves takes what has come, so that at least those are not reset who have said all they had to say.
impl Drop for Parting {
    fn drop(&mut self) {
        const MOST: usize = 64;
        for _ in 0..MOST {
            if !matches!(self.drop_some(), Ok(Some(1..))) {
                break;
            }
        }
    }
}

/// Closing alone would leave it registered if a forked child still has the descriptor.
fn forget(epoll: &Epoll, parting: Parting) {
    epoll.delete(&parting.socket).unwrap_or_default();
}

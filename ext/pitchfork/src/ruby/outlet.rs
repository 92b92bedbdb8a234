//! Where a response goes out: a socket, and how long its client may let the worker wait.

use std::cell::Cell;
use std::fmt::Display;
use std::io::IoSlice;
use std::os::fd::{BorrowedFd, RawFd};

use magnus::{Error, RArray, RString, Ruby, Value, prelude::*};
use nix::errno::Errno;
use nix::poll::PollFlags;
use pitchfork_core::http::Pace;
use pitchfork_core::http::connection::ResponseEnd;

use crate::ruby::{errors, gvl, strings};
use crate::sys::clock::monotonic;
use crate::sys::socket;

/// So many pieces go into one system call, with the head. The kernel's limit is 1024 (IOV_MAX).
const PIECES: usize = 64;

/// The sending side of a connection.
pub struct Outlet<'f> {
    fd: BorrowedFd<'f>,
    /// A client that takes its response more slowly is given up.
    pace: &'f Cell<Pace>,
    /// Set when no more can be sent.
    pub failure: Cell<Option<ResponseEnd>>,
}

impl<'f> Outlet<'f> {
    pub fn new(fd: BorrowedFd<'f>, pace: &'f Cell<Pace>) -> Self {
        Outlet {
            fd,
            pace,
            failure: Cell::new(None),
        }
    }

    /// Sends all of it.
    pub fn send_all(&self, ruby: &Ruby, bytes: &[u8]) -> Result<(), Error> {
        self.send_with(ruby, bytes, socket::send)
    }

    /// As [`send_all`](Self::send_all), for bytes behind which the connection is closed at once.
    pub fn send_last(&self, ruby: &Ruby, bytes: &[u8]) -> Result<(), Error> {
        self.send_with(ruby, bytes, socket::send_last)
    }

    fn send_with(
        &self,
        ruby: &Ruby,
        mut bytes: &[u8],
        send: impl Fn(BorrowedFd<'_>, &[u8]) -> nix::Result<Option<usize>>,
    ) -> Result<(), Error> {
        while !bytes.is_empty() {
            match send(self.fd, bytes) {
                Ok(Some(sent)) => {
                    self.moved(sent as u64);
                    bytes = &bytes[sent..];
                }
                Ok(None) => self.wait(ruby)?,
                Err(errno) => return Err(self.fail(ruby, ResponseEnd::Gone, errno)),
            }
        }
        Ok(())
    }

    /// Sends a String from an offset, waiting as often as needed. A frozen copy (which shares the bytes) is what is sent, so
    /// that nobody changes it while other threads run.
    pub fn send_string(&self, ruby: &Ruby, string: RString, offset: usize) -> Result<(), Error> {
        let frozen =
            RString::from_value(string.funcall::<_, _, Value>("dup", ())?).unwrap_or(string);
        frozen.freeze();
        // SAFETY: frozen, and kept alive by being on this stack until the end (see the last line).
        let bytes = unsafe { frozen.as_slice() };
        let sent = self.send_all(ruby, &bytes[offset.min(bytes.len())..]);
        std::hint::black_box(frozen);
        sent
    }

    /// Sends what fits of the head and the first parts of the body at once. Answers how many bytes that was.
    pub fn send_gathered(&self, ruby: &Ruby, head: &[u8], body: RArray) -> Result<usize, Error> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        slices[0] = IoSlice::new(head);
        let mut used = 1;
        // SAFETY: neither the array nor its strings are touched until the system call is over: it does not block, the GVL is
        // held, and no Ruby code runs.
        for (slice, part) in slices[1..].iter_mut().zip(unsafe { body.as_slice() }) {
            let Some(part) = RString::from_value(*part) else {
                break; // whoever sends the rest will complain
            };
            // SAFETY: as above.
            *slice = IoSlice::new(unsafe { strings::bytes(part) });
            used += 1;
        }
        match socket::send_gathered(self.fd, &slices[..used]) {
            Ok(sent) => {
                self.moved(sent.unwrap_or(0) as u64);
                Ok(sent.unwrap_or(0))
            }
            Err(errno) => Err(self.fail(ruby, ResponseEnd::Gone, errno)),
        }
    }

    /// Sends up to `length` bytes of an open file. Answers how many there were.
    pub fn send_file(&self, ruby: &Ruby, file: RawFd, length: u64) -> Result<u64, Error> {
        let mut left = length;
        while left > 0 {
            match socket::send_file(self.fd, file, left) {
                Ok(Some(0)) => break, // the file has become shorter
                Ok(Some(sent)) => {
                    self.moved(sent);
                    left -= sent;
                }
                Ok(None) => self.wait(ruby)?,
                // The file's failures; all others are the connection's.
                Err(errno @ (Errno::EINVAL | Errno::EIO | Errno::ENOMEM | Errno::EOVERFLOW)) => {
                    return Err(errors::system(ruby, "sendfile", errno));
                }
                Err(errno) => return Err(self.fail(ruby, ResponseEnd::Gone, errno)),
            }
        }
        Ok(length - left)
    }

    fn moved(&self, bytes: u64) {
        let mut pace = self.pace.get();
        pace.moved(bytes);
        self.pace.set(pace);
    }

    /// Waits until more can be sent. The kernel says so when a good part of its buffer is free (tcp(7), unix(7)); a client that
    /// has read less than that meanwhile has read all the same.
    fn wait(&self, ruby: &Ruby) -> Result<(), Error> {
        loop {
            let left = self.pace.get().left();
            let queued = socket::unsent(self.fd);
            let begun = monotonic();
            let ready = !left.is_zero() && gvl::wait_for(ruby, self.fd, PollFlags::POLLOUT, left)?;
            let mut pace = self.pace.get();
            pace.waited(monotonic().saturating_sub(begun));
            self.pace.set(pace);
            if ready {
                return Ok(());
            }
            if left.is_zero() || socket::unsent(self.fd) >= queued {
                let why = "the client does not read its response (client_write_timeout)";
                return Err(self.fail(ruby, ResponseEnd::Stalled, why));
            }
        }
    }

    fn fail(&self, ruby: &Ruby, end: ResponseEnd, why: impl Display) -> Error {
        self.failure.set(Some(end));
        errors::client_shutdown(ruby, why)
    }
}

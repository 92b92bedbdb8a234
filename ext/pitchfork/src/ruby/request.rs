//! Reads the head of a request off its connection.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use magnus::value::ReprValue;
use magnus::{Error, RHash, Ruby, typed_data::Obj};
use nix::errno::Errno;
use nix::poll::PollFlags;
use pitchfork_core::http::{HeadError, Limits, Parsed, Scratch, error_response, head};

use crate::rotation::{Connection, Listener};
use crate::ruby::client::Client;
use crate::ruby::env::{self, Place};
use crate::ruby::{gvl, response};
use crate::sys::clock::monotonic;
use crate::sys::socket;

/// A request head must be complete within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough for nearly every request head.
const BUFFER: usize = 16 * 1024;

/// The memory that a worker reads all its requests with.
pub struct RequestReader {
    buffer: Vec<u8>,
    place: Place,
}

impl RequestReader {
    pub fn new() -> Self {
        RequestReader {
            buffer: vec![0; BUFFER],
            place: Place::default(),
        }
    }

    /// Reads a request. `None`: there was none, or it was bad, and the connection is closed.
    pub fn read(
        &mut self,
        ruby: &Ruby,
        template: RHash,
        connection: Connection,
        listener: &Listener,
    ) -> Result<Option<Obj<Client>>, Error> {
        let Connection { fd, peer, .. } = connection;
        let limits = Limits::default();
        let until = monotonic() + HEAD_TIMEOUT;
        let (mut seen, mut filled) = (0, 0);
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0); // bounded: the parser refuses what exceeds its limits
            }
            match socket::receive(fd.as_fd(), &mut self.buffer[filled..]) {
                Ok(Some(0)) | Err(_) => return Ok(None), // gone before it asked for anything
                Ok(Some(count)) => filled += count,
                Ok(None) => {
                    let left = until.saturating_sub(monotonic());
                    if !gvl::wait_for(ruby, fd.as_fd(), PollFlags::POLLIN, left)? {
                        reject(fd, 408);
                        return Ok(None);
                    }
                    continue;
                }
            }
            let mut scratch = Scratch::new();
            let received = &self.buffer[..filled];
            match head::parse_more(received, seen, &mut scratch, &limits) {
                Ok(Parsed::Partial) => seen = filled,
                Ok(Parsed::Complete(head)) => {
                    (self.place).settle(ruby, template, peer, listener, head.host)?;
                    let env = env::build(ruby, template, &head)?;
                    let client = Client::new(ruby, fd, env, &head, &received[head.len..]);
                    env::attach(ruby, env, client.as_value())?;
                    return Ok(Some(client));
                }
                Err(error) => {
                    reject(fd, HeadError::status(&error));
                    return Ok(None);
                }
            }
        }
    }
}

/// Answers a request that never reaches the app. The status is all that is told.
fn reject(fd: OwnedFd, status: u16) {
    let text = error_response(status, &response::date());
    // It goes into an empty buffer or to a client that is gone: both need no more care.
    if socket::send(fd.as_fd(), &text) != Err(Errno::EBADF) {
        socket::close_gently(fd);
    }
}

//! The request body, as it comes off the socket.

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use magnus::{Error, RHash, Ruby};
use nix::poll::PollFlags;
use pitchfork_core::http::{BodyDecoder, BodyError, Chunk, Pace};

use crate::ruby::{env, errors, gvl};
use crate::sys::clock::monotonic;
use crate::sys::socket;

/// How much is received at once.
const PIECE: usize = 64 * 1024;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What of the body is still to come.
pub struct RequestBody {
    decoder: BodyDecoder,
    buffer: Vec<u8>,
    /// What of the buffer is received and not decoded: first what came with the head.
    pending: Range<usize>,
    expects_continue: bool,
    pace: Pace,
}

impl RequestBody {
    /// `early` is what was received behind the head.
    pub fn new(
        decoder: BodyDecoder,
        early: &[u8],
        expects_continue: bool,
        patience: Duration,
    ) -> Self {
        RequestBody {
            decoder,
            buffer: early.to_vec(),
            pending: 0..early.len(),
            expects_continue,
            pace: Pace::new(patience),
        }
    }

    /// Whether all that the client has to send is received, and nothing else is: the connection can be closed without
    /// another look at it.
    pub fn is_received(&self) -> bool {
        self.decoder
            .is_complete_with(&self.buffer[self.pending.clone()])
    }

    /// The final response is under way: a 100 would stand in the middle of it.
    pub fn forget_expectation(&mut self) {
        self.expects_continue = false;
    }

    /// What was received and is not part of the body, or not read yet: a hijacker's.
    pub fn take_early(&mut self) -> Vec<u8> {
        let early = self.buffer[self.pending.clone()].to_vec();
        self.pending = 0..0;
        early
    }

    /// Frees the buffer: the garbage collector, which frees the rest, does not know how large it is.
    pub fn release(&mut self) {
        self.buffer = Vec::new();
        self.pending = 0..0;
        self.decoder.fail(BodyError::Truncated);
    }

    /// Up to `most` bytes of the body, waiting for at least one. `None`: it has ended, and its trailers are in `env`.
    pub fn read(
        &mut self,
        ruby: &Ruby,
        fd: BorrowedFd<'_>,
        env: RHash,
        most: usize,
    ) -> Result<Option<&[u8]>, Error> {
        // Framing alone does not count: chunk extensions and trailers can be long.
        let until = monotonic() + self.pace.left();
        let data = loop {
            let (taken, chunk) = (self.decoder)
                .next(&self.buffer[self.pending.clone()], most)
                .map_err(|error| errors::request_body(ruby, error))?;
            self.pending.start += taken;
            match chunk {
                // The decoder stops behind the data.
                Chunk::Data(data) => {
                    self.pace.moved(data.len() as u64);
                    break self.pending.start - data.len()..self.pending.start;
                }
                Chunk::Done => {
                    env::add_trailers(ruby, env, self.decoder.trailers())?;
                    return Ok(None);
                }
                Chunk::NeedMore => self.receive(ruby, fd, until)?,
            }
        };
        Ok(Some(&self.buffer[data]))
    }

    fn receive(&mut self, ruby: &Ruby, fd: BorrowedFd<'_>, until: Duration) -> Result<(), Error> {
        if std::mem::take(&mut self.expects_continue) {
            // A client that is gone is noticed by the read below.
            let sent = socket::send(fd, CONTINUE);
            sent.map_err(|errno| errors::client_shutdown(ruby, errno))?;
        }
        self.pending = 0..0;
        self.buffer.resize(PIECE, 0);
        loop {
            match socket::receive(fd, &mut self.buffer) {
                Ok(Some(0)) | Err(_) => return Err(self.fail(ruby, BodyError::Truncated)),
                Ok(Some(count)) => {
                    self.pending = 0..count;
                    return Ok(());
                }
                Ok(None) => {
                    let begun = monotonic();
                    let left = until.saturating_sub(begun);
                    let ready =
                        !left.is_zero() && gvl::wait_for(ruby, fd, PollFlags::POLLIN, left)?;
                    self.pace.waited(monotonic().saturating_sub(begun));
                    if !ready {
                        return Err(self.fail(ruby, BodyError::Stalled));
                    }
                }
            }
        }
    }

    fn fail(&mut self, ruby: &Ruby, error: BodyError) -> Error {
        self.decoder.fail(error);
        errors::request_body(ruby, error)
    }
}

//! The request body, as it comes off the socket.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use magnus::{Error, Ruby};
use nix::poll::PollFlags;
use pitchfork_core::http::{Chunk, ChunkedDecoder, Framing};

use crate::ruby::{errors, gvl};
use crate::sys::socket;

/// A body that stalls for longer than this has ended.
const STALL: Duration = Duration::from_secs(30);

/// How much is received at once.
const PIECE: usize = 64 * 1024;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What of the body is still to come.
pub struct RequestBody {
    framing: Rest,
    /// Received, not yet decoded: first what came with the head.
    raw: Vec<u8>,
    /// How much of `raw` is decoded.
    decoded: usize,
    expects_continue: bool,
}

enum Rest {
    /// So many bytes.
    Length(u64),
    Chunked(ChunkedDecoder),
    /// All read.
    Done,
    /// Broken off or malformed: a further read fails as the first did.
    Broken,
}

impl RequestBody {
    /// `early` is what was received behind the head.
    pub fn new(framing: Framing, early: &[u8], expects_continue: bool) -> Self {
        RequestBody {
            framing: match framing {
                Framing::None | Framing::Length(0) => Rest::Done,
                Framing::Length(length) => Rest::Length(length),
                Framing::Chunked => Rest::Chunked(ChunkedDecoder::new()),
            },
            raw: early.to_vec(),
            decoded: 0,
            expects_continue,
        }
    }

    /// Whether all that the client has to send is received, and nothing else is: the connection can be closed without
    /// another look at it.
    pub fn is_received(&self) -> bool {
        let pending = self.raw.len() - self.decoded.min(self.raw.len());
        match self.framing {
            Rest::Done => pending == 0,
            Rest::Length(left) => left == pending as u64,
            Rest::Chunked(_) | Rest::Broken => false,
        }
    }

    /// The final response is under way: a 100 would stand in the middle of it.
    pub fn forget_expectation(&mut self) {
        self.expects_continue = false;
    }

    /// What was received and is not part of the body, or not read yet: a hijacker's.
    pub fn take_early(&mut self) -> Vec<u8> {
        self.raw.split_off(self.decoded.min(self.raw.len()))
    }

    /// Frees the buffer: the garbage collector, which frees the rest, does not know how large it is.
    pub fn release(&mut self) {
        self.raw = Vec::new();
        self.decoded = 0;
        self.framing = Rest::Broken;
    }

    /// Appends up to `most` bytes of the body to `out`, waiting for at least one. `false`: it has ended.
    pub fn read(
        &mut self,
        ruby: &Ruby,
        fd: BorrowedFd<'_>,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        loop {
            match self.decode(most, out) {
                Ok(Decoded::Some) => return Ok(true),
                Ok(Decoded::End) => return Ok(false),
                Ok(Decoded::NeedMore) => {}
                Err(why) => {
                    self.framing = Rest::Broken;
                    return Err(errors::client_shutdown(ruby, why));
                }
            }
            if let Err(error) = self.receive(ruby, fd) {
                self.framing = Rest::Broken;
                return Err(error);
            }
        }
    }

    fn decode(&mut self, most: usize, out: &mut Vec<u8>) -> Result<Decoded, String> {
        let most = most.max(1);
        let input = &self.raw[self.decoded..];
        match &mut self.framing {
            Rest::Done => Ok(Decoded::End),
            Rest::Broken => Err("the request body has broken off before".to_string()),
            _ if input.is_empty() => Ok(Decoded::NeedMore),
            Rest::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX);
                let taken = input.len().min(most).min(length);
                out.extend_from_slice(&input[..taken]);
                self.decoded += taken;
                *left -= taken as u64;
                if *left == 0 {
                    self.framing = Rest::Done;
                }
                Ok(Decoded::Some)
            }
            Rest::Chunked(decoder) => {
                // Never more than asked for: the decoder keeps no data, so what it is not shown stays in `raw`.
                let shown = &input[..input.len().min(most)];
                let (taken, chunk) = decoder.next(shown).map_err(|error| error.to_string())?;
                self.decoded += taken;
                match chunk {
                    Chunk::Data(data) => {
                        out.extend_from_slice(data);
                        Ok(Decoded::Some)
                    }
                    Chunk::Done => {
                        self.framing = Rest::Done;
                        Ok(Decoded::End)
                    }
                    Chunk::NeedMore if self.decoded < self.raw.len() => self.decode(most, out),
                    Chunk::NeedMore => Ok(Decoded::NeedMore),
                }
            }
        }
    }

    fn receive(&mut self, ruby: &Ruby, fd: BorrowedFd<'_>) -> Result<(), Error> {
        if std::mem::take(&mut self.expects_continue) {
            // A client that is gone is noticed by the read below.
            let sent = socket::send(fd, CONTINUE);
            sent.map_err(|errno| errors::client_shutdown(ruby, errno))?;
        }
        self.raw.clear();
        self.decoded = 0;
        loop {
            self.raw.resize(PIECE, 0);
            let received = socket::receive(fd, &mut self.raw);
            self.raw.truncate(received.ok().flatten().unwrap_or(0));
            match received {
                Ok(Some(0)) => {
                    return Err(errors::client_shutdown(
                        ruby,
                        "the client closed the connection before the end of the request body",
                    ));
                }
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {
                    if !gvl::wait_for(ruby, fd, PollFlags::POLLIN, STALL)? {
                        let why = format!("the request body stalled for {}s", STALL.as_secs());
                        return Err(errors::client_shutdown(ruby, why));
                    }
                }
                Err(errno) => return Err(errors::client_shutdown(ruby, errno)),
            }
        }
    }
}

enum Decoded {
    Some,
    NeedMore,
    End,
}

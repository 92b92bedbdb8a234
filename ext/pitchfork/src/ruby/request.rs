//! Reads the head of a request off its connection.

use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use magnus::value::ReprValue;
use magnus::{Error, RHash, Ruby, typed_data::Obj};
use nix::poll::PollFlags;
use pitchfork_core::http::{
    BodyDecoder, Head, HeadError, Parsed, RequestFacts, Scratch, error_response, head,
};

use crate::rotation::{Connection, Listener};
use crate::ruby::body::RequestBody;
use crate::ruby::client::Client;
use crate::ruby::env::{self, Place};
use crate::ruby::http_settings::HttpSettings;
use crate::ruby::{gvl, response};
use crate::sys::clock::monotonic;
use crate::sys::socket::{self, Peer};

/// Enough for nearly every request head.
const BUFFER: usize = 16 * 1024;

/// What came of a connection.
pub enum Incoming {
    Request(Obj<Client>),
    /// No request for the app: it is answered, and the client may still be sending.
    Refused {
        socket: OwnedFd,
        /// For the log.
        why: String,
    },
    /// The client has closed it before there was a request.
    Nothing,
}

/// The memory that a worker reads all its requests with.
pub struct RequestReader {
    settings: HttpSettings,
    buffer: Vec<u8>,
    place: Place,
}

impl RequestReader {
    pub fn new(settings: HttpSettings) -> Self {
        RequestReader {
            settings,
            buffer: vec![0; BUFFER],
            place: Place::default(),
        }
    }

    /// Reads a request, and answers those that are none.
    pub fn read(
        &mut self,
        ruby: &Ruby,
        template: RHash,
        connection: Connection,
        listener: &Listener,
    ) -> Result<Incoming, Error> {
        let Connection {
            fd, peer, received, ..
        } = connection;
        let settings = &self.settings;
        let mut filled = received.len();
        if filled > 0 {
            self.buffer.resize(self.buffer.len().max(filled), 0);
            self.buffer[..filled].copy_from_slice(&received);
        }
        let mut seen = 0;
        let mut until = None;
        loop {
            let mut scratch = Scratch::new();
            // Parsed before the first look at the socket: it may all be here.
            if filled > seen {
                let bytes = &self.buffer[..filled];
                match head::parse_more(bytes, seen, &mut scratch, &settings.limits) {
                    Ok(Parsed::Partial) => seen = filled,
                    Ok(Parsed::Complete(head)) => {
                        let decoder = match body_of(&head, fd.as_fd(), settings) {
                            Ok(decoder) => decoder,
                            Err(reason) => return Ok(reason.refuse(fd, peer)),
                        };
                        let https = settings.is_https(peer, &head);
                        (self.place).settle(ruby, template, peer, https, listener, head.host)?;
                        let env = env::build(ruby, template, &head)?;
                        let body = RequestBody::new(
                            decoder,
                            &bytes[head.len..],
                            head.expects_continue,
                            settings.timeouts.body,
                        );
                        let client = Client::new(ruby, fd, env, &head, body, settings.timeouts);
                        env::attach(ruby, env, client.as_value())?;
                        return Ok(Incoming::Request(client));
                    }
                    Err(error) => return Ok(Reason::from(error).refuse(fd, peer)),
                }
            }
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0); // bounded: the parser refuses what exceeds its limits
            }
            match socket::receive(fd.as_fd(), &mut self.buffer[filled..]) {
                Ok(Some(0)) | Err(_) => return Ok(Incoming::Nothing),
                Ok(Some(count)) => filled += count,
                Ok(None) => {
                    let now = monotonic();
                    let until = *until.get_or_insert(now + settings.timeouts.header);
                    let left = until.saturating_sub(now);
                    let readable = PollFlags::POLLIN;
                    if left.is_zero() || !gvl::wait_for(ruby, fd.as_fd(), readable, left)? {
                        let why = "the head did not come in time (client_header_timeout)";
                        return Ok(Reason::new(408, RequestFacts::UNKNOWN, why).refuse(fd, peer));
                    }
                }
            }
        }
    }
}

/// Why a request is refused.
struct Reason {
    /// What the client is told; `None`: it would not hear it.
    status: Option<u16>,
    request: RequestFacts,
    why: String,
}

impl Reason {
    fn new(status: u16, request: RequestFacts, why: impl Display) -> Self {
        Reason {
            status: Some(status),
            request,
            why: format!("{status}, {why}"),
        }
    }

    /// Answers. The status is all that the client is told.
    fn refuse(self, socket: OwnedFd, peer: Peer) -> Incoming {
        if let Some(status) = self.status {
            // It goes into an empty buffer or to a client that is gone: both need no more care.
            let answer = error_response(status, &self.request, &response::date());
            socket::send(socket.as_fd(), &answer).unwrap_or_default();
        }
        let why = format!("refused a request from {peer}: {}", self.why);
        Incoming::Refused { socket, why }
    }
}

impl From<HeadError> for Reason {
    fn from(error: HeadError) -> Self {
        Reason::new(error.status(), RequestFacts::UNKNOWN, error)
    }
}

/// What reads the body that a good head announces, unless the app is not to see the request.
fn body_of(
    head: &Head<'_, '_>,
    socket: BorrowedFd<'_>,
    settings: &HttpSettings,
) -> Result<BodyDecoder, Reason> {
    let request = RequestFacts::of(head);
    let decoder = BodyDecoder::new(head.framing, &settings.limits, settings.body_max)
        .map_err(|error| Reason::new(error.status(), request, error))?;
    if settings.check_connection && socket::has_hung_up(socket) {
        return Err(Reason {
            status: None,
            request,
            why: "the client is gone".to_string(),
        });
    }
    Ok(decoder)
}

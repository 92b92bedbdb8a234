//! The response of a [`Client`]: what goes out, and what state that leaves it in.

use std::os::fd::{AsFd, RawFd};

use magnus::{Error, RArray, RHash, RString, Ruby, typed_data::Obj};
use pitchfork_core::http::chunked::{LAST_CHUNK, push_chunk};
use pitchfork_core::http::connection::ResponseEnd;
use pitchfork_core::http::{BodyFraming, BodySize, error_response};

use super::{Client, Sink, State};
use crate::ruby::{errors, response};
use crate::sys::socket;

impl Client {
    /// Sends a whole response whose body is an Array, and closes the connection. Answers whether its length is the one that the
    /// app has announced, if it has: that of the body is what is sent.
    pub(super) fn send_array(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
        body: RArray,
    ) -> Result<bool, Error> {
        rb_self.check_fresh(ruby)?;
        let size = response::array_size(ruby, body)?;
        let mut out =
            Vec::with_capacity(512 + usize::try_from(size.min(response::SMALL)).unwrap_or(0));
        let head = response::head(
            ruby,
            status,
            headers,
            &rb_self.request,
            BodySize::Known(size),
            &mut out,
        )?;
        let framing = head.framing;
        rb_self.state.set(State::Body(Sink::Framed(framing)));
        rb_self.with_outlet(ruby, |outlet| match framing {
            BodyFraming::Empty => outlet.send_last(ruby, &out),
            _ => response::send_array(ruby, outlet, out, body, size),
        })?;
        rb_self.state.set(State::End(ResponseEnd::Complete));
        // At once: a client that finds the end together with the response need not wake up twice.
        rb_self.close();
        rb_self.mistaken.set(head.mistaken());
        Ok(head.mistaken().is_none())
    }

    /// The Content-Length that the app has announced and that was not sent, for the body, which was at hand, has another.
    pub(super) fn mistaken_length(&self) -> Option<u64> {
        self.mistaken.get()
    }

    /// Sends the head of a response and answers whether a body is to follow. `size`: the body's, in bytes, or nil.
    pub(super) fn send_head(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
        size: Option<u64>,
    ) -> Result<bool, Error> {
        let size = size.map_or(BodySize::Unknown, BodySize::Known);
        rb_self.begin(ruby, status, headers, size)
    }

    /// Sends the head of a response whose body the app writes to the connection itself, in whatever form.
    pub(super) fn send_hijack_head(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
    ) -> Result<bool, Error> {
        rb_self.begin(ruby, status, headers, BodySize::Hijacked)
    }

    pub(super) fn begin(
        &self,
        ruby: &Ruby,
        status: u16,
        headers: RHash,
        size: BodySize,
    ) -> Result<bool, Error> {
        self.check_fresh(ruby)?;
        let mut out = Vec::with_capacity(512);
        let head = response::head(ruby, status, headers, &self.request, size, &mut out)?;
        self.mistaken.set(head.mistaken());
        let sink = match head.framing {
            BodyFraming::Empty if status == 101 => Sink::Upgraded,
            framing => Sink::Framed(framing),
        };
        self.state.set(State::Body(sink));
        self.with_outlet(ruby, |outlet| outlet.send_all(ruby, &out))?;
        Ok(sink != Sink::Framed(BodyFraming::Empty))
    }

    /// Sends a part of the body. Answers false when the part does not fit into the Content-Length that was announced.
    pub(super) fn write(ruby: &Ruby, rb_self: Obj<Self>, part: RString) -> Result<bool, Error> {
        let sink = match rb_self.state.get() {
            State::Body(sink) => sink,
            _ => return Err(rb_self.no_more(ruby)),
        };
        if part.is_empty() {
            return Ok(true);
        }
        rb_self.check_idle(ruby)?;
        // SAFETY: copied at once, before other threads can change the string.
        let bytes = unsafe { part.as_slice() };
        let mut fits = true;
        let piece = match sink {
            Sink::Framed(BodyFraming::Empty) => return Ok(true),
            Sink::Framed(BodyFraming::UntilClose) | Sink::Upgraded => bytes.to_vec(),
            Sink::Framed(BodyFraming::Chunked) => {
                let mut chunk = Vec::with_capacity(bytes.len() + 24);
                push_chunk(&mut chunk, bytes);
                chunk
            }
            Sink::Framed(BodyFraming::Length(left)) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                fits = most == bytes.len();
                rb_self.set_left(left - most as u64);
                bytes[..most].to_vec()
            }
        };
        rb_self.with_outlet(ruby, |outlet| outlet.send_all(ruby, &piece))?;
        Ok(fits)
    }

    /// So many bytes are left of the announced Content-Length.
    pub(super) fn set_left(&self, left: u64) {
        (self.state).set(State::Body(Sink::Framed(BodyFraming::Length(left))));
    }

    /// Sends `length` bytes of an open file as the body. Answers how many there were.
    pub(super) fn send_file(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        file: RawFd,
        length: u64,
    ) -> Result<u64, Error> {
        let sent = rb_self.with_outlet(ruby, |outlet| outlet.send_file(ruby, file, length))?;
        if let State::Body(Sink::Framed(BodyFraming::Length(left))) = rb_self.state.get() {
            rb_self.set_left(left.saturating_sub(sent));
        }
        Ok(sent)
    }

    /// Ends the body. Answers how many bytes of the announced Content-Length are missing.
    pub(super) fn finish(ruby: &Ruby, rb_self: Obj<Self>) -> Result<u64, Error> {
        let State::Body(sink) = rb_self.state.get() else {
            return Ok(0);
        };
        rb_self.check_idle(ruby)?;
        let (end, missing) = match sink {
            Sink::Upgraded => (ResponseEnd::Upgraded, 0),
            Sink::Framed(framing @ BodyFraming::Length(missing @ 1..)) => {
                (ResponseEnd::Truncated(framing), missing)
            }
            Sink::Framed(BodyFraming::Chunked) => {
                rb_self.with_outlet(ruby, |outlet| outlet.send_all(ruby, LAST_CHUNK))?;
                (ResponseEnd::Complete, 0)
            }
            Sink::Framed(_) => (ResponseEnd::Complete, 0),
        };
        rb_self.state.set(State::End(end));
        Ok(missing)
    }

    /// Sends an interim response, such as 103 Early Hints.
    pub(super) fn send_interim(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
    ) -> Result<(), Error> {
        // A hint that comes too late is none, and HTTP/1.0 does not know interim responses.
        if rb_self.state.get() != State::Fresh || rb_self.request.minor_version == 0 {
            return Ok(());
        }
        let mut out = Vec::new();
        response::interim(ruby, status, headers, &rb_self.request, &mut out)?;
        rb_self.with_outlet(ruby, |outlet| outlet.send_all(ruby, &out))
    }

    /// Leaves the response as it is, which is not whole, so that the client can tell.
    pub(super) fn break_off(&self) {
        self.state.set(State::End(self.cut()));
    }

    /// Answers with an error of the server's own, if nothing was sent yet. Answers whether it did.
    pub(super) fn refuse(&self, status: u16) -> bool {
        if self.state.get() != State::Fresh {
            return false;
        }
        self.state.set(State::End(ResponseEnd::Complete));
        let Some(fd) = &*self.socket.borrow() else {
            return false;
        };
        // One packet into an empty buffer. A client that can't take it is gone.
        let answer = error_response(status, &self.request, &response::date());
        socket::send(fd.as_fd(), &answer).is_ok()
    }

    pub(super) fn check_fresh(&self, ruby: &Ruby) -> Result<(), Error> {
        match self.state.get() {
            State::Fresh => Ok(()),
            _ => Err(self.no_more(ruby)),
        }
    }

    /// Why nothing can be sent in this state.
    pub(super) fn no_more(&self, ruby: &Ruby) -> Error {
        match self.state.get() {
            State::Fresh => errors::misuse(ruby, "the response has not begun yet"),
            State::Body(_) => errors::misuse(ruby, "the response has begun already"),
            State::End(ResponseEnd::Gone | ResponseEnd::Stalled) => {
                errors::client_shutdown(ruby, "the client is gone")
            }
            State::End(_) => errors::misuse(ruby, "the response has ended already"),
        }
    }
}

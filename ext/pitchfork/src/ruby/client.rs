//! `Pitchfork::Client`: one connection, from its request to its response.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use magnus::value::Opaque;
use magnus::{
    DataTypeFunctions, Error, Module, RArray, RHash, RModule, RString, Ruby, TypedData, gc, method,
    prelude::*, typed_data::Obj,
};
use pitchfork_core::http::chunked::{LAST_CHUNK, push_chunk};
use pitchfork_core::http::connection::{Fate, ResponseEnd, after_exchange};
use pitchfork_core::http::{
    BodyFraming, BodySize, Form, Framing, Head, Pace, RequestFacts, error_response,
};

use crate::ruby::body::RequestBody;
use crate::ruby::http_settings::Timeouts;
use crate::ruby::outlet::Outlet;
use crate::ruby::{errors, response};
use crate::sys::{forks, socket};

/// A connection with a request on it.
#[derive(TypedData)]
#[magnus(class = "Pitchfork::Client", free_immediately, mark)]
pub struct Client {
    env: Opaque<RHash>,
    request: RequestFacts,
    has_body: bool,
    is_plain: bool,
    /// `None` once it was hijacked or closed.
    socket: RefCell<Option<OwnedFd>>,
    /// The closed connection, if its client is still sending.
    parting: RefCell<Option<OwnedFd>>,
    body: RefCell<RequestBody>,
    /// Of the client, in reading its response.
    pace: Cell<Pace>,
    /// The Content-Length that the app has announced for a body of another length.
    mistaken: Cell<Option<u64>>,
    /// A part of the response is on its way: what is sent now would stand in the middle of it.
    sending: Cell<bool>,
    /// Closed, as soon as the threads that use the socket let go of it.
    doomed: Cell<bool>,
    state: Cell<State>,
}

/// How far the response is.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// No byte sent.
    Fresh,
    /// The head is sent, the body goes out.
    Body(Sink),
    /// All is sent, or no more can be.
    End(ResponseEnd),
}

/// How body bytes are sent.
#[derive(Clone, Copy, PartialEq)]
enum Sink {
    Framed(BodyFraming),
    /// They are no body: after 101 the connection speaks another protocol.
    Upgraded,
}

impl DataTypeFunctions for Client {
    fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.env);
    }
}

impl Client {
    /// A request whose head has been read.
    pub fn new(
        ruby: &Ruby,
        socket: OwnedFd,
        env: RHash,
        head: &Head<'_, '_>,
        body: RequestBody,
        timeouts: Timeouts,
    ) -> Obj<Self> {
        let has_body = !matches!(head.framing, Framing::None | Framing::Length(0));
        ruby.obj_wrap(Client {
            env: env.into(),
            request: RequestFacts::of(head),
            has_body,
            is_plain: !has_body
                && head.target.form == Form::Origin
                && !(head.fields.iter()).any(|field| field.name.eq_ignore_ascii_case("upgrade")),
            socket: RefCell::new(Some(socket)),
            parting: RefCell::new(None),
            body: RefCell::new(body),
            pace: Cell::new(Pace::new(timeouts.write)),
            mistaken: Cell::new(None),
            sending: Cell::new(false),
            doomed: Cell::new(false),
            state: Cell::new(State::Fresh),
        })
    }

    /// The connection that was closed and whose client is still sending: it is to be read from until that ends.
    pub fn take_parting(&self) -> Option<OwnedFd> {
        self.parting.take()
    }

    /// Runs `f` with the descriptor. It can't be closed meanwhile, though other threads may run.
    fn with_socket<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(BorrowedFd<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let gone = || errors::client_shutdown(ruby, "the connection is closed or hijacked");
        let socket = self.socket.try_borrow().map_err(|_| gone())?;
        let result = f(socket.as_ref().ok_or_else(gone)?.as_fd());
        drop(socket);
        if self.doomed.get() {
            // Another thread may still have it, and is the one to close it then.
            drop(self.socket.try_borrow_mut().map(|mut socket| socket.take()));
        }
        result
    }

    /// Runs `f` with where the response goes, and keeps in mind if no more of it can go there: the client is gone, or what was
    /// to be sent is not sent whole, as when an exception comes to a thread that waits.
    fn with_outlet<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(&Outlet<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.check_idle(ruby)?;
        self.with_socket(ruby, |fd| {
            let outlet = Outlet::new(fd, &self.pace);
            self.sending.set(true);
            let result = f(&outlet);
            self.sending.set(false);
            if result.is_err() {
                let end = outlet.failure.get().unwrap_or_else(|| self.cut());
                self.state.set(State::End(end));
            }
            result
        })
    }

    /// How the response ends if nothing more is sent.
    fn cut(&self) -> ResponseEnd {
        match self.state.get() {
            State::Fresh | State::Body(Sink::Upgraded) => {
                ResponseEnd::Truncated(BodyFraming::UntilClose)
            }
            State::Body(Sink::Framed(framing)) => ResponseEnd::Truncated(framing),
            State::End(end) => end,
        }
    }

    fn check_idle(&self, ruby: &Ruby) -> Result<(), Error> {
        if self.sending.get() {
            let why = "another thread is sending a part of the response";
            return Err(errors::misuse(ruby, why));
        }
        Ok(())
    }

    fn env(ruby: &Ruby, rb_self: Obj<Self>) -> RHash {
        ruby.get_inner(rb_self.env)
    }

    fn has_body(&self) -> bool {
        self.has_body
    }

    /// Whether env needs no more said, as with most requests: there is no body, the target has the usual form, and no other
    /// protocol is asked for.
    fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Up to `most` bytes of the request body, or nil at its end.
    fn read_body(ruby: &Ruby, rb_self: Obj<Self>, most: usize) -> Result<Option<RString>, Error> {
        rb_self.with_socket(ruby, |fd| {
            let mut body = (rb_self.body.try_borrow_mut())
                .map_err(|_| errors::misuse(ruby, "another thread is reading the request body"))?;
            if rb_self.state.get() != State::Fresh {
                body.forget_expectation();
            }
            let env = ruby.get_inner(rb_self.env);
            let piece = body.read(ruby, fd, env, most)?;
            Ok(piece.map(|piece| ruby.str_from_slice(piece)))
        })
    }

    /// Sends a whole response whose body is an Array, and closes the connection. Answers whether its length is the one that the
    /// app has announced, if it has: that of the body is what is sent.
    fn send_array(
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
    fn mistaken_length(&self) -> Option<u64> {
        self.mistaken.get()
    }

    /// Sends the head of a response and answers whether a body is to follow. `size`: the body's, in bytes, or nil.
    fn send_head(
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
    fn send_hijack_head(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
    ) -> Result<bool, Error> {
        rb_self.begin(ruby, status, headers, BodySize::Hijacked)
    }

    fn begin(
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
    fn write(ruby: &Ruby, rb_self: Obj<Self>, part: RString) -> Result<bool, Error> {
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
    fn set_left(&self, left: u64) {
        (self.state).set(State::Body(Sink::Framed(BodyFraming::Length(left))));
    }

    /// Sends `length` bytes of an open file as the body. Answers how many there were.
    fn send_file(ruby: &Ruby, rb_self: Obj<Self>, file: RawFd, length: u64) -> Result<u64, Error> {
        let sent = rb_self.with_outlet(ruby, |outlet| outlet.send_file(ruby, file, length))?;
        if let State::Body(Sink::Framed(BodyFraming::Length(left))) = rb_self.state.get() {
            rb_self.set_left(left.saturating_sub(sent));
        }
        Ok(sent)
    }

    /// Ends the body. Answers how many bytes of the announced Content-Length are missing.
    fn finish(ruby: &Ruby, rb_self: Obj<Self>) -> Result<u64, Error> {
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
    fn send_interim(
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
    fn break_off(&self) {
        self.state.set(State::End(self.cut()));
    }

    /// Answers with an error of the server's own, if nothing was sent yet. Answers whether it did.
    fn refuse(&self, status: u16) -> bool {
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

    fn check_fresh(&self, ruby: &Ruby) -> Result<(), Error> {
        match self.state.get() {
            State::Fresh => Ok(()),
            _ => Err(self.no_more(ruby)),
        }
    }

    /// Why nothing can be sent in this state.
    fn no_more(&self, ruby: &Ruby) -> Error {
        match self.state.get() {
            State::Fresh => errors::misuse(ruby, "the response has not begun yet"),
            State::Body(_) => errors::misuse(ruby, "the response has begun already"),
            State::End(ResponseEnd::Gone | ResponseEnd::Stalled) => {
                errors::client_shutdown(ruby, "the client is gone")
            }
            State::End(_) => errors::misuse(ruby, "the response has ended already"),
        }
    }

    fn is_hijacked(&self) -> bool {
        self.socket.borrow().is_none()
    }

    /// Gives the descriptor away, and what was already received from it.
    fn detach(ruby: &Ruby, rb_self: Obj<Self>) -> Result<(RawFd, RString), Error> {
        let (Ok(mut socket), Ok(mut body)) = (
            rb_self.socket.try_borrow_mut(),
            rb_self.body.try_borrow_mut(),
        ) else {
            return Err(errors::misuse(
                ruby,
                "another thread is using the connection",
            ));
        };
        let socket = (socket.take())
            .ok_or_else(|| errors::misuse(ruby, "the connection is closed or hijacked already"))?;
        let early = body.take_early();
        Ok((socket.into_raw_fd(), ruby.str_from_slice(&early)))
    }

    /// Closes the connection, or leaves it to [`take_parting`](Self::take_parting) so that what was sent arrives. If another
    /// thread of the app is still reading or writing, its call fails and closes it.
    fn close(&self) {
        let end = self.end();
        self.state.set(State::End(end));
        let (Ok(mut socket), Ok(mut body)) =
            (self.socket.try_borrow_mut(), self.body.try_borrow_mut())
        else {
            self.doomed.set(true);
            if let Ok(Some(socket)) = self.socket.try_borrow().as_deref() {
                socket::shut_down(socket.as_fd());
            }
            return;
        };
        let expected = body.is_received();
        body.release();
        let Some(socket) = socket.take() else {
            return;
        };
        // Bytes may have come since, which nobody asked for: a pipelined request, or the CRLF that some clients send behind a
        // body (RFC 9112, section 2.2).
        let received = expected && !socket::has_unread(socket.as_fd());
        match after_exchange(end, received) {
            // A child that the app has forked may hold the descriptor, too.
            Fate::Close if forks::happened() => socket::shut_down(socket.as_fd()),
            Fate::Close | Fate::HandedOver => {}
            Fate::Abort => socket::reset_on_close(socket.as_fd()),
            Fate::Drain => {
                socket::end(socket.as_fd()).unwrap_or_default(); // if it is disconnected already, so much the better
                self.parting.replace(Some(socket));
            }
        }
    }

    /// How the response has ended, if this is its end.
    fn end(&self) -> ResponseEnd {
        match self.state.get() {
            // The process is about to end: there is no answer.
            State::Fresh => ResponseEnd::Gone,
            State::Body(Sink::Upgraded) => ResponseEnd::Upgraded,
            State::Body(Sink::Framed(BodyFraming::Empty)) => ResponseEnd::Complete,
            State::Body(_) | State::End(_) => self.cut(),
        }
    }

    fn inspect(&self) -> String {
        let state = match self.state.get() {
            State::Fresh => "no response yet",
            State::Body(_) => "response under way",
            State::End(_) => "response sent",
        };
        format!("#<Pitchfork::Client {state}>")
    }
}

/// The env's Client, for `rack.hijack`.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Client", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_method("env", method!(Client::env, 0))?;
    class.define_method("body?", method!(Client::has_body, 0))?;
    class.define_method("plain?", method!(Client::is_plain, 0))?;
    class.define_method("read_body", method!(Client::read_body, 1))?;
    class.define_method("send_array", method!(Client::send_array, 3))?;
    class.define_method("send_head", method!(Client::send_head, 3))?;
    class.define_method("send_hijack_head", method!(Client::send_hijack_head, 2))?;
    class.define_method("send_interim", method!(Client::send_interim, 2))?;
    class.define_method("send_file", method!(Client::send_file, 2))?;
    class.define_method("write", method!(Client::write, 1))?;
    class.define_method("finish", method!(Client::finish, 0))?;
    class.define_method("mistaken_length", method!(Client::mistaken_length, 0))?;
    class.define_method("break_off", method!(Client::break_off, 0))?;
    class.define_method("refuse", method!(Client::refuse, 1))?;
    class.define_method("hijacked?", method!(Client::is_hijacked, 0))?;
    class.define_method("close", method!(Client::close, 0))?;
    class.define_method("inspect", method!(Client::inspect, 0))?;
    class.define_private_method("detach", method!(Client::detach, 0))?;
    Ok(())
}

//! `Pitchfork::Client`: one connection, from its request to its response.

mod deadline;
mod sending;

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use magnus::value::Opaque;
use magnus::{
    DataTypeFunctions, Error, Module, RHash, RModule, RString, Ruby, TypedData, gc, method,
    prelude::*, typed_data::Obj,
};
use pitchfork_core::http::connection::{Fate, ResponseEnd, after_exchange};
use pitchfork_core::http::{BodyFraming, Form, Framing, Head, Pace, RequestFacts};

use self::deadline::Turn;
use crate::ruby::body::RequestBody;
use crate::ruby::errors;
use crate::ruby::http_settings::Timeouts;
use crate::ruby::outlet::Outlet;
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
    /// `None` while it is still being read.
    turn: Cell<Option<Turn>>,
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
        if let Some(turn) = self.turn.get() {
            turn.mark(marker);
        }
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
            turn: Cell::new(None),
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
    class.define_method("deadline", method!(Client::deadline, 0))?;
    class.define_method("deadline=", method!(Client::set_deadline, 1))?;
    class.define_method("overdue", method!(Client::overdue, 0))?;
    class.define_method("inspect", method!(Client::inspect, 0))?;
    class.define_private_method("detach", method!(Client::detach, 0))?;
    Ok(())
}

//! `Pitchfork::Client`: one connection, from its request to its response.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use magnus::value::Opaque;
use magnus::{
    DataTypeFunctions, Error, Module, RArray, RHash, RModule, RString, Ruby, TypedData, gc, method,
    prelude::*, typed_data::Obj,
};
use pitchfork_core::http::{
    BodyFraming, BodySize, Framing, Head, RequestFacts, chunked::push_chunk_size, error_response,
};

use crate::ruby::body::RequestBody;
use crate::ruby::{errors, response};
use crate::sys::socket;

/// A connection with a request on it.
#[derive(TypedData)]
#[magnus(class = "Pitchfork::Client", free_immediately, mark)]
pub struct Client {
    env: Opaque<RHash>,
    request: RequestFacts,
    has_body: bool,
    /// `None` once it was hijacked or closed.
    socket: RefCell<Option<OwnedFd>>,
    body: RefCell<RequestBody>,
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
    Done,
}

/// How body bytes are sent.
#[derive(Clone, Copy, PartialEq)]
enum Sink {
    /// Not at all.
    Empty,
    /// So many are left.
    Length(u64),
    Chunked,
    Plain,
}

impl DataTypeFunctions for Client {
    fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.env);
    }
}

impl Client {
    /// A request whose head has been read; `early` is what came behind it.
    pub fn new(
        ruby: &Ruby,
        socket: OwnedFd,
        env: RHash,
        head: &Head<'_, '_>,
        early: &[u8],
    ) -> Obj<Self> {
        ruby.obj_wrap(Client {
            env: env.into(),
            request: RequestFacts {
                head_method: head.method == "HEAD",
                minor_version: head.minor_version,
            },
            has_body: !matches!(head.framing, Framing::None | Framing::Length(0)),
            socket: RefCell::new(Some(socket)),
            body: RefCell::new(RequestBody::new(head.framing, early, head.expects_continue)),
            state: Cell::new(State::Fresh),
        })
    }

    /// Runs `f` with the descriptor. It can't be closed meanwhile, though other threads may run.
    fn with_socket<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(BorrowedFd<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let gone = || errors::client_shutdown(ruby, "the connection is closed or hijacked");
        let socket = self.socket.try_borrow().map_err(|_| gone())?;
        f(socket.as_ref().ok_or_else(gone)?.as_fd())
    }

    fn env(ruby: &Ruby, rb_self: Obj<Self>) -> RHash {
        ruby.get_inner(rb_self.env)
    }

    fn has_body(&self) -> bool {
        self.has_body
    }

    /// Up to `most` bytes of the request body, or nil at its end.
    fn read_body(ruby: &Ruby, rb_self: Obj<Self>, most: usize) -> Result<Option<RString>, Error> {
        rb_self.with_socket(ruby, |fd| {
            let mut body = (rb_self.body.try_borrow_mut())
                .map_err(|_| errors::misuse(ruby, "another thread is reading the request body"))?;
            if rb_self.state.get() != State::Fresh {
                body.forget_expectation();
            }
            let mut out = Vec::new();
            let some = body.read(ruby, fd, most, &mut out)?;
            Ok(some.then(|| ruby.str_from_slice(&out)))
        })
    }

    /// Sends a whole response whose body is an Array.
    fn send_array(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
        body: RArray,
    ) -> Result<(), Error> {
        rb_self.check_fresh(ruby)?;
        let size = response::array_size(ruby, body)?;
        let mut out = Vec::with_capacity(512);
        let framing = response::head(
            ruby,
            status,
            headers,
            &rb_self.request,
            BodySize::Known(size),
            &mut out,
        )?;
        rb_self.state.set(State::Done);
        rb_self.with_socket(ruby, |fd| match framing {
            BodyFraming::Empty => response::send_all(ruby, fd, &out),
            _ => response::send_array(ruby, fd, out, body, size),
        })
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
        let framing = response::head(ruby, status, headers, &self.request, size, &mut out)?;
        let sink = match framing {
            // After 101 the connection speaks another protocol.
            BodyFraming::Empty if status == 101 => Sink::Plain,
            BodyFraming::Empty => Sink::Empty,
            BodyFraming::Length(length) => Sink::Length(length),
            BodyFraming::Chunked => Sink::Chunked,
            BodyFraming::UntilClose => Sink::Plain,
        };
        self.state.set(State::Body(sink));
        self.with_socket(ruby, |fd| response::send_all(ruby, fd, &out))?;
        Ok(sink != Sink::Empty)
    }

    /// Sends a part of the body. Answers false when the part does not fit into the Content-Length that was announced.
    fn write(ruby: &Ruby, rb_self: Obj<Self>, part: RString) -> Result<bool, Error> {
        let State::Body(sink) = rb_self.state.get() else {
            return Err(errors::misuse(
                ruby,
                "the response's body is complete, or its head not sent",
            ));
        };
        if part.is_empty() {
            return Ok(true);
        }
        match sink {
            Sink::Empty => Ok(true),
            Sink::Plain => rb_self.send(ruby, part, part.len()).map(|()| true),
            Sink::Length(left) => {
                let fits = usize::try_from(left).unwrap_or(usize::MAX).min(part.len());
                rb_self
                    .state
                    .set(State::Body(Sink::Length(left - fits as u64)));
                rb_self.send(ruby, part, fits)?;
                Ok(fits == part.len())
            }
            Sink::Chunked => rb_self.send_chunk(ruby, part).map(|()| true),
        }
    }

    fn send(&self, ruby: &Ruby, part: RString, length: usize) -> Result<(), Error> {
        // SAFETY: copied at once. A part has to outlive other threads' changes to the string.
        let bytes = unsafe { part.as_slice() }[..length].to_vec();
        self.with_socket(ruby, |fd| response::send_all(ruby, fd, &bytes))
    }

    fn send_chunk(&self, ruby: &Ruby, part: RString) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(part.len() + 16);
        push_chunk_size(&mut bytes, part.len());
        // SAFETY: copied at once, as above.
        bytes.extend_from_slice(unsafe { part.as_slice() });
        bytes.extend_from_slice(b"\r\n");
        self.with_socket(ruby, |fd| response::send_all(ruby, fd, &bytes))
    }

    /// Sends `length` bytes of an open file as the body. Answers how many there were.
    fn send_file(ruby: &Ruby, rb_self: Obj<Self>, file: RawFd, length: u64) -> Result<u64, Error> {
        rb_self.with_socket(ruby, |fd| {
            let mut left = length;
            while left > 0 {
                match socket::send_file(fd, file, left) {
                    Ok(Some(0)) => break, // the file has become shorter
                    Ok(Some(sent)) => left -= sent,
                    Ok(None) => response::wait_writable(ruby, fd)?,
                    Err(errno) => return Err(errors::client_shutdown(ruby, errno)),
                }
            }
            if let State::Body(Sink::Length(announced)) = rb_self.state.get() {
                let sent = length - left;
                rb_self
                    .state
                    .set(State::Body(Sink::Length(announced.saturating_sub(sent))));
            }
            Ok(length - left)
        })
    }

    /// Ends the body. Answers how many bytes of the announced Content-Length are missing.
    fn finish(ruby: &Ruby, rb_self: Obj<Self>) -> Result<u64, Error> {
        let State::Body(sink) = rb_self.state.replace(State::Done) else {
            return Ok(0);
        };
        match sink {
            Sink::Length(missing) => Ok(missing),
            Sink::Chunked => rb_self
                .with_socket(ruby, |fd| response::send_all(ruby, fd, b"0\r\n\r\n"))
                .map(|()| 0),
            Sink::Empty | Sink::Plain => Ok(0),
        }
    }

    /// Sends an interim response, such as 103 Early Hints.
    fn send_interim(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        status: u16,
        headers: RHash,
    ) -> Result<(), Error> {
        rb_self.check_fresh(ruby)?;
        if rb_self.request.minor_version == 0 {
            return Ok(()); // HTTP/1.0 does not know interim responses
        }
        let mut out = Vec::new();
        response::head(
            ruby,
            status,
            headers,
            &rb_self.request,
            BodySize::Unknown,
            &mut out,
        )?;
        rb_self.with_socket(ruby, |fd| response::send_all(ruby, fd, &out))
    }

    /// Answers with an error of the server's own, if nothing was sent yet. Answers whether it did.
    fn refuse(&self, status: u16) -> bool {
        let fresh = self.state.replace(State::Done) == State::Fresh;
        if let (true, Some(fd)) = (fresh, self.socket.borrow().as_ref()) {
            // One packet into an empty buffer. A client that can't take it is gone.
            return socket::send(fd.as_fd(), &error_response(status, &response::date())).is_ok();
        }
        false
    }

    fn check_fresh(&self, ruby: &Ruby) -> Result<(), Error> {
        match self.state.get() {
            State::Fresh => Ok(()),
            _ => Err(errors::misuse(ruby, "the response has begun already")),
        }
    }

    fn is_hijacked(&self) -> bool {
        self.socket.borrow().is_none()
    }

    /// Gives the descriptor away, and what was already received from it.
    fn detach(ruby: &Ruby, rb_self: Obj<Self>) -> Result<(RawFd, RString), Error> {
        let socket = rb_self.socket.borrow_mut().take();
        let socket = socket
            .ok_or_else(|| errors::misuse(ruby, "the connection is closed or hijacked already"))?;
        let early = rb_self.body.borrow_mut().take_early();
        Ok((socket.into_raw_fd(), ruby.str_from_slice(&early)))
    }

    /// Closes the connection, so that what was sent arrives. If another thread of the app is still reading or writing, its call
    /// fails, and the descriptor goes with this object.
    fn close(ruby: &Ruby, rb_self: Obj<Self>) -> Result<(), Error> {
        rb_self.state.set(State::Done);
        match (
            rb_self.socket.try_borrow_mut(),
            rb_self.body.try_borrow_mut(),
        ) {
            (Ok(mut socket), Ok(mut body)) => {
                let received = body.is_received();
                body.release();
                match socket.take() {
                    Some(socket) if !received => return response::linger(ruby, socket),
                    socket => drop(socket),
                }
            }
            _ => {
                if let Ok(Some(socket)) = rb_self.socket.try_borrow().as_deref() {
                    socket::shut_down(socket.as_fd());
                }
            }
        }
        Ok(())
    }

    fn inspect(&self) -> String {
        let state = match self.state.get() {
            State::Fresh => "no response yet",
            State::Body(_) => "response under way",
            State::Done => "response sent",
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
    class.define_method("read_body", method!(Client::read_body, 1))?;
    class.define_method("send_array", method!(Client::send_array, 3))?;
    class.define_method("send_head", method!(Client::send_head, 3))?;
    class.define_method("send_hijack_head", method!(Client::send_hijack_head, 2))?;
    class.define_method("send_interim", method!(Client::send_interim, 2))?;
    class.define_method("send_file", method!(Client::send_file, 2))?;
    class.define_method("write", method!(Client::write, 1))?;
    class.define_method("finish", method!(Client::finish, 0))?;
    class.define_method("refuse", method!(Client::refuse, 1))?;
    class.define_method("hijacked?", method!(Client::is_hijacked, 0))?;
    class.define_method("close", method!(Client::close, 0))?;
    class.define_method("inspect", method!(Client::inspect, 0))?;
    class.define_private_method("detach", method!(Client::detach, 0))?;
    Ok(())
}

//! `Pitchfork::WorkerPort`: where a worker waits for its next request or for the master.
//!
//! The hot path makes no system call it does not need (R7): while requests keep coming, the worker goes straight from one
//! to accepting the next. [`LOOK`] bounds how long it may do so without a look at the master.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use magnus::value::{Opaque, ReprValue};
use magnus::{
    Class, DataTypeFunctions, Error, Module, RArray, RHash, RModule, RString, Ruby, Symbol,
    TryConvert, TypedData, Value, gc, method, typed_data::Obj,
};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use pitchfork_core::http::{HeadError, Limits, Parsed, Scratch, error_response, head};
use pitchfork_core::wire::{Order, Refusal, Report, Seat};

use crate::link::{Commission, Heard, Link};
use crate::mold::MoldPort;
use crate::ruby::client::Client;
use crate::ruby::{env, errors, gvl, response};
use crate::sys::clock::monotonic;
use crate::sys::scoreboard::{Row, Scoreboard};
use crate::sys::socket::{self, Peer};

/// A busy worker looks at the master's channel and at all listeners at least so often, and after any request that took
/// longer.
const LOOK: Duration = Duration::from_millis(5);

/// A request head must be complete within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough for nearly every request head.
const BUFFER: usize = 16 * 1024;

/// The worker's side of its channel, and its listeners.
#[derive(TypedData)]
#[magnus(class = "Pitchfork::WorkerPort", free_immediately, mark)]
pub struct WorkerPort {
    template: Opaque<RHash>,
    /// Kept apart from what is busy while the worker waits, so that any thread may ask.
    seat: Seat,
    scoreboard: Scoreboard,
    inner: RefCell<Option<Inner>>,
    commission: RefCell<Option<(Commission, bool)>>,
    leaving: Cell<bool>,
}

struct Inner {
    link: Link,
    epoll: Epoll,
    listeners: Vec<Listener>,
    /// The listener that gave the last connection: the next one is likely to be there.
    last: usize,
    /// When all descriptors were looked at.
    looked: Duration,
    buffer: Vec<u8>,
    /// The last client's address as text: behind a proxy all come from the same.
    address: (Peer, String),
}

/// A listening socket. It belongs to a Ruby Socket that lives as long as the process.
struct Listener {
    fd: RawFd,
    name: Vec<u8>,
    port: u16,
}

const CHANNEL: u64 = u64::MAX;
const DEATH: u64 = u64::MAX - 1;

enum Next {
    Connection(OwnedFd, Peer, usize),
    Heard(Heard),
    /// Nothing, or interrupted.
    Again,
}

impl DataTypeFunctions for WorkerPort {
    fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.template);
    }
}

impl WorkerPort {
    /// `listeners`: Arrays of fileno, host name and port. `template`: what every env has in common.
    pub fn create(
        ruby: &Ruby,
        link: Link,
        listeners: RArray,
        template: RHash,
    ) -> Result<Obj<Self>, Error> {
        let listeners = (listeners.into_iter())
            .map(|listener| {
                let (fd, name, port) = <(RawFd, RString, u16)>::try_convert(listener)?;
                // SAFETY: copied at once.
                let name = unsafe { name.as_slice() }.to_vec();
                Ok(Listener { fd, name, port })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|errno| errors::system(ruby, "epoll_create1", errno))?;
        Ok(ruby.obj_wrap(WorkerPort {
            template: template.into(),
            seat: link.seat,
            scoreboard: link.scoreboard.clone(),
            inner: RefCell::new(Some(Inner {
                link,
                epoll,
                listeners,
                last: 0,
                looked: Duration::ZERO,
                buffer: vec![0; BUFFER],
                address: (Peer::Unix, String::new()),
            })),
            commission: RefCell::new(None),
            leaving: Cell::new(false),
        }))
    }

    fn with<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(&mut Inner) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut inner = (self.inner.try_borrow_mut())
            .map_err(|_| errors::misuse(ruby, "another thread is waiting on this port"))?;
        f(inner
            .as_mut()
            .ok_or_else(|| errors::misuse(ruby, "this worker's port is closed"))?)
    }

    fn nr(&self) -> u32 {
        self.seat.nr
    }

    fn generation(&self) -> u32 {
        self.seat.generation
    }

    /// Requests completed.
    fn requests(&self) -> u64 {
        self.row().requests()
    }

    fn row(&self) -> &Row {
        self.scoreboard.row(self.seat.row)
    }

    fn hello(ruby: &Ruby, rb_self: Obj<Self>) -> Result<bool, Error> {
        rb_self.with(ruby, |inner| inner.link.report(ruby, Report::Hello))
    }

    /// Says that the worker can serve, and waits until the master has opened the listeners: `:serve`, or `:retire`.
    fn ready(ruby: &Ruby, rb_self: Obj<Self>) -> Result<Symbol, Error> {
        rb_self.with(ruby, |inner| inner.link.report(ruby, Report::Ready))?;
        while !rb_self.leaving.get() {
            match rb_self.with(ruby, |inner| inner.link.listen(ruby))? {
                None => {}
                Some(Heard::Order(Order::Serve, _)) => {
                    rb_self.with(ruby, |inner| {
                        inner
                            .register()
                            .map_err(|e| errors::system(ruby, "epoll_ctl", e))
                    })?;
                    return Ok(ruby.to_symbol("serve"));
                }
                Some(Heard::End | Heard::Order(..)) => break,
            }
        }
        Ok(ruby.to_symbol("retire"))
    }

    /// Waits for the next thing to do: a Client with a request, `:promote` or `:retire`.
    fn wait(ruby: &Ruby, rb_self: Obj<Self>) -> Result<Value, Error> {
        let template = ruby.get_inner(rb_self.template);
        while !rb_self.leaving.get() {
            match rb_self.with(ruby, |inner| inner.next(ruby))? {
                Next::Again => {}
                Next::Connection(fd, peer, from) => {
                    let client = rb_self.with(ruby, |inner| {
                        inner.read_request(ruby, template, fd, peer, from)
                    })?;
                    if let Some(client) = client {
                        return Ok(client.as_value());
                    }
                }
                Next::Heard(Heard::Order(Order::Promote { seat, in_place }, Some(channel))) => {
                    rb_self
                        .commission
                        .replace(Some((Commission { seat, channel }, in_place)));
                    return Ok(ruby.to_symbol("promote").as_value());
                }
                Next::Heard(Heard::End | Heard::Order(Order::Retire, _)) => break,
                Next::Heard(Heard::Order(order, _)) => {
                    return Err(errors::misuse(
                        ruby,
                        format!("not an order for a worker: {order:?}"),
                    ));
                }
            }
        }
        Ok(ruby.to_symbol("retire").as_value())
    }

    /// The request is complete: counts it, and tells the master when that makes the worker warm.
    fn complete(ruby: &Ruby, rb_self: Obj<Self>) -> Result<(), Error> {
        if let Some(requests) = rb_self.row().complete() {
            rb_self.with(ruby, |inner| {
                inner.link.report(ruby, Report::Warm { requests })
            })?;
        }
        Ok(())
    }

    /// Whether the promotion asked for may take this process itself.
    fn may_promote_in_place(&self) -> bool {
        self.commission
            .borrow()
            .as_ref()
            .is_some_and(|(_, in_place)| *in_place)
    }

    /// The port of the mold that was asked for, in the process that is to be it. The worker's port stays open.
    fn take_mold(ruby: &Ruby, rb_self: Obj<Self>) -> Result<MoldPort, Error> {
        let commission = rb_self.commission.take();
        let (Commission { seat, channel }, _) =
            commission.ok_or_else(|| errors::misuse(ruby, "no mold was asked for"))?;
        rb_self.with(ruby, |inner| {
            Ok(MoldPort::of(inner.link.hand_on(channel, seat)))
        })
    }

    /// In a worker that has forked the mold it was asked for.
    fn commission_done(&self) {
        self.commission.take();
    }

    /// Declines to be promoted: `:not_fork_safe`, `:threads` or `:failed`.
    fn refuse(ruby: &Ruby, rb_self: Obj<Self>, why: Symbol) -> Result<(), Error> {
        let Some((Commission { seat, .. }, _)) = rb_self.commission.take() else {
            return Ok(());
        };
        let reason = match &*why.name()? {
            "not_fork_safe" => Refusal::NotForkSafe,
            "threads" => Refusal::Threads,
            _ => Refusal::Failed,
        };
        let ticket = seat.ticket;
        rb_self.with(ruby, |inner| {
            inner.link.report(ruby, Report::Refused { ticket, reason })
        })?;
        Ok(())
    }

    fn leave(&self) {
        self.leaving.set(true);
    }

    /// Leaves rotation. The epoll instance must go too: a forked child that keeps it open would be woken in our stead.
    fn close(&self) {
        self.inner.take();
        self.commission.take();
    }
}

impl Inner {
    /// Enters the rotation. Exclusive: one waiting worker is woken for a connection, the one that registered first, so
    /// that few busy workers warm up and the others keep sharing their pages. The order is the workers' age.
    fn register(&self) -> nix::Result<()> {
        self.epoll.add(
            self.link.channel(),
            EpollEvent::new(EpollFlags::EPOLLIN, CHANNEL),
        )?;
        self.epoll.add(
            self.link.death(),
            EpollEvent::new(EpollFlags::EPOLLIN, DEATH),
        )?;
        for (index, listener) in self.listeners.iter().enumerate() {
            // SAFETY: the Ruby Socket that owns it is open as long as this process is a worker.
            let fd = unsafe { BorrowedFd::borrow_raw(listener.fd) };
            let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
            self.epoll.add(fd, EpollEvent::new(flags, index as u64))?;
        }
        Ok(())
    }

    fn next(&mut self, ruby: &Ruby) -> Result<Next, Error> {
        let now = monotonic();
        if now.saturating_sub(self.looked) < LOOK {
            if let Next::Connection(fd, peer, from) = self.accept(ruby, self.last)? {
                return Ok(Next::Connection(fd, peer, from));
            }
        } else if let Some(source) = self.look() {
            self.looked = now;
            return self.dispatch(ruby, source);
        }
        // One event at a time: a second connection is somebody else's until we can serve it.
        let mut events = [EpollEvent::empty()];
        let epoll = &self.epoll;
        let waited = gvl::interruptible(ruby, "epoll_wait", || {
            epoll.wait(&mut events, EpollTimeout::NONE)
        })?;
        self.looked = monotonic();
        match waited {
            Some(1) => self.dispatch(ruby, events[0].data()),
            _ => Ok(Next::Again),
        }
    }

    /// What is ready now. The master goes before clients: under load there is always a next one.
    fn look(&self) -> Option<u64> {
        let mut events = [EpollEvent::empty(); 16];
        let ready = (self.epoll.wait(&mut events, EpollTimeout::ZERO)).unwrap_or(0);
        let sources = events.iter().take(ready).map(EpollEvent::data);
        // Greater than all indices of listeners; else the one that has waited longest.
        (sources.clone().find(|source| *source >= DEATH)).or_else(|| sources.clone().next())
    }

    fn dispatch(&mut self, ruby: &Ruby, source: u64) -> Result<Next, Error> {
        match source {
            DEATH => Ok(Next::Heard(Heard::End)),
            CHANNEL => Ok(self.link.hear(ruby)?.map_or(Next::Again, Next::Heard)),
            listener => self.accept(ruby, usize::try_from(listener).unwrap_or(0)),
        }
    }

    fn accept(&mut self, ruby: &Ruby, from: usize) -> Result<Next, Error> {
        self.last = from;
        match socket::accept(self.listeners[from].fd) {
            Ok(Some((fd, peer))) => Ok(Next::Connection(fd, peer, from)),
            Ok(None) => Ok(Next::Again),
            Err(errno) => Err(errors::system(ruby, "accept4", errno)),
        }
    }

    /// Reads the request's head. `None`: there was none, or it was bad, and the connection is closed.
    fn read_request(
        &mut self,
        ruby: &Ruby,
        template: RHash,
        fd: OwnedFd,
        peer: Peer,
        from: usize,
    ) -> Result<Option<Obj<Client>>, Error> {
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
                    let begun = u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX);
                    self.link.scoreboard.row(self.link.seat.row).begin(begun);
                    let listener = &self.listeners[from];
                    if self.address.0 != peer {
                        self.address = (peer, peer.to_string());
                    }
                    let origin = env::Origin {
                        address: (peer != Peer::Unix).then_some(&*self.address.1),
                        name: &listener.name,
                        port: listener.port,
                    };
                    let env = env::build(ruby, template, &head, &origin)?;
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

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("WorkerPort", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_method("nr", method!(WorkerPort::nr, 0))?;
    class.define_method("generation", method!(WorkerPort::generation, 0))?;
    class.define_method("requests", method!(WorkerPort::requests, 0))?;
    class.define_method("hello", method!(WorkerPort::hello, 0))?;
    class.define_method("ready", method!(WorkerPort::ready, 0))?;
    class.define_method("wait", method!(WorkerPort::wait, 0))?;
    class.define_method("complete", method!(WorkerPort::complete, 0))?;
    class.define_method(
        "promote_in_place?",
        method!(WorkerPort::may_promote_in_place, 0),
    )?;
    class.define_method("take_mold", method!(WorkerPort::take_mold, 0))?;
    class.define_method("commission_done", method!(WorkerPort::commission_done, 0))?;
    class.define_method("refuse", method!(WorkerPort::refuse, 1))?;
    class.define_method("leave", method!(WorkerPort::leave, 0))?;
    class.define_method("close", method!(WorkerPort::close, 0))?;
    Ok(())
}

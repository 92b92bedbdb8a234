//! `Pitchfork::WorkerPort`: where a worker waits for its next request or for the master.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::RawFd;

use magnus::value::{Opaque, ReprValue};
use magnus::{
    Class, DataTypeFunctions, Error, Module, RArray, RHash, RModule, RString, Ruby, Symbol,
    TryConvert, TypedData, Value, gc, method, typed_data::Obj,
};
use pitchfork_core::wire::{Order, Refusal, Report, Seat};

use crate::link::{Commission, Heard, Link};
use crate::mold::MoldPort;
use crate::rotation::{Connection, Listener, Next, Rotation};
use crate::ruby::errors;
use crate::ruby::request::RequestReader;
use crate::sys::clock::monotonic;
use crate::sys::scoreboard::{Row, Scoreboard};

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
    rotation: Rotation,
    reader: RequestReader,
    /// To be served before the farewell.
    last_ones: VecDeque<Connection>,
    /// Why the worker has left the rotation.
    farewell: Option<Farewell>,
}

/// What takes a worker out of the rotation.
enum Farewell {
    Retire,
    /// To another role, perhaps.
    Promote(Commission, bool),
}

enum Step {
    Connection(Connection),
    Farewell(Farewell),
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
        let rotation = Rotation::new(listeners)
            .map_err(|errno| errors::system(ruby, "epoll_create1", errno))?;
        Ok(ruby.obj_wrap(WorkerPort {
            template: template.into(),
            seat: link.seat,
            scoreboard: link.scoreboard.clone(),
            inner: RefCell::new(Some(Inner {
                link,
                rotation,
                reader: RequestReader::new(),
                last_ones: VecDeque::new(),
                farewell: None,
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
                        let started = inner.rotation.start(&inner.link);
                        started.map_err(|errno| errors::system(ruby, "epoll_ctl", errno))
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
        loop {
            let step = rb_self.with(ruby, |inner| inner.step(ruby, rb_self.leaving.get()))?;
            match step {
                Step::Again => {}
                Step::Connection(connection) => {
                    let client = rb_self.with(ruby, |inner| {
                        let listener = inner.rotation.listener(connection.from);
                        inner.reader.read(ruby, template, connection, listener)
                    })?;
                    if let Some(client) = client {
                        rb_self.begin();
                        return Ok(client.as_value());
                    }
                }
                Step::Farewell(Farewell::Retire) => {
                    return Ok(ruby.to_symbol("retire").as_value());
                }
                Step::Farewell(Farewell::Promote(commission, in_place)) => {
                    rb_self.commission.replace(Some((commission, in_place)));
                    return Ok(ruby.to_symbol("promote").as_value());
                }
            }
        }
    }

    fn begin(&self) {
        let now = u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX);
        self.row().begin(now);
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

    /// In a worker that has forked the mold it was asked for: serves on.
    fn commission_done(ruby: &Ruby, rb_self: Obj<Self>) -> Result<(), Error> {
        rb_self.commission.take();
        rb_self.rejoin(ruby)
    }

    fn rejoin(&self, ruby: &Ruby) -> Result<(), Error> {
        self.with(ruby, |inner| {
            let joined = inner.rotation.join();
            joined.map_err(|errno| errors::system(ruby, "epoll_ctl", errno))
        })
    }

    /// Declines to be promoted, and serves on: `:not_fork_safe`, `:threads` or `:failed`.
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
        rb_self.rejoin(ruby)
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
    fn step(&mut self, ruby: &Ruby, leaving: bool) -> Result<Step, Error> {
        if let Some(connection) = self.last_ones.pop_front() {
            return Ok(Step::Connection(connection));
        }
        if let Some(farewell) = self.farewell.take() {
            return Ok(Step::Farewell(farewell));
        }
        if leaving {
            return Ok(self.depart(Farewell::Retire));
        }
        match self.rotation.next(ruby, &self.link)? {
            Next::Again => Ok(Step::Again),
            Next::Connection(connection) => Ok(Step::Connection(connection)),
            Next::Death => Ok(Step::Farewell(Farewell::Retire)),
            Next::Heard(Heard::Order(Order::Promote { seat, in_place }, Some(channel))) => {
                let commission = Commission { seat, channel };
                Ok(self.depart(Farewell::Promote(commission, in_place)))
            }
            Next::Heard(Heard::End | Heard::Order(Order::Retire, _)) => {
                Ok(self.depart(Farewell::Retire))
            }
            Next::Heard(Heard::Order(order, _)) => {
                let why = format!("not an order for a worker: {order:?}");
                Err(errors::misuse(ruby, why))
            }
        }
    }

    /// Leaves the rotation first, and then serves what it still owes.
    fn depart(&mut self, farewell: Farewell) -> Step {
        self.last_ones.extend(self.rotation.withdraw());
        self.farewell = Some(farewell);
        Step::Again
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

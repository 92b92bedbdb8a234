//! `Pitchfork::WorkerPort`: where a worker waits for its next request or for the master.

mod collections;
mod deadline;

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::time::Duration;

use magnus::value::{Opaque, ReprValue};
use magnus::{
    Class, DataTypeFunctions, Error, Module, RArray, RHash, RModule, RString, Ruby, Symbol,
    TryConvert, TypedData, Value, gc, method, typed_data::Obj,
};
use pitchfork_core::wire::{Order, Refusal, Report, Seat};

use self::collections::Collections;
use crate::link::{Commission, Heard, Link};
use crate::mold::MoldPort;
use crate::rotation::{Connection, Listener, Next, Rotation};
use crate::ruby::client::Client;
use crate::ruby::errors;
use crate::ruby::http_settings::{self, HttpSettings};
use crate::ruby::request::{Incoming, RequestReader};
use crate::sys::clock::monotonic;
use crate::sys::forks;
use crate::sys::scoreboard::{Gc, Row, Scoreboard};
use crate::who::Who;

/// So long a worker of a server that stops goes on to accept what waits in the queues.
const QUEUE: Duration = Duration::from_secs(1);

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
    /// Until when the queues are emptied, once that has begun.
    emptying: Cell<Option<Duration>>,
    reopening: Cell<bool>,
    /// How long a request may take, in nanoseconds, unless its app says otherwise.
    timeout: u64,
    is_overdue: Cell<bool>,
    collections: Collections,
    who: Who,
}

struct Inner {
    link: Link,
    rotation: Rotation,
    reader: RequestReader,
}

impl DataTypeFunctions for WorkerPort {
    fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.template);
        self.who.mark(marker);
    }
}

impl WorkerPort {
    /// `listeners`: Arrays of fileno, host name and port. `template`: what every env has in common. `settings`:
    /// `timeout` and those of HTTP, by name.
    pub fn create(
        ruby: &Ruby,
        link: Link,
        listeners: RArray,
        template: RHash,
        settings: RHash,
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
        let timeout = http_settings::seconds(ruby, settings, "timeout")?;
        forks::watch();
        Ok(ruby.obj_wrap(WorkerPort {
            template: template.into(),
            seat: link.seat,
            scoreboard: link.scoreboard.clone(),
            inner: RefCell::new(Some(Inner {
                link,
                rotation,
                reader: RequestReader::new(HttpSettings::from_hash(ruby, settings)?),
            })),
            commission: RefCell::new(None),
            leaving: Cell::new(false),
            emptying: Cell::new(None),
            reopening: Cell::new(false),
            timeout: u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX),
            is_overdue: Cell::new(false),
            collections: Collections::new(ruby),
            who: Who::default(),
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
                        let joined = inner.rotation.join(&inner.link);
                        joined.map_err(|errno| errors::system(ruby, "epoll_ctl", errno))
                    })?;
                    return Ok(ruby.to_symbol("serve"));
                }
                Some(Heard::End | Heard::Order(..)) => break,
            }
        }
        Ok(ruby.to_symbol("retire"))
    }

    /// Waits for the next thing to do: a Client with a request, `:collect` (see [`Self::watch_gc`]), `:promote`, `:reopen_logs`
    /// or `:retire`; or a String for the log.
    fn wait(ruby: &Ruby, rb_self: Obj<Self>) -> Result<Value, Error> {
        let template = ruby.get_inner(rb_self.template);
        let has_collected = (rb_self.collections).turn(ruby, rb_self.row(), Gc::Between);
        if has_collected && !rb_self.leaving.get() {
            return Ok(ruby.to_symbol("collect").as_value());
        }
        while !rb_self.leaving.get() {
            if rb_self.reopening.take() {
                return Ok(ruby.to_symbol("reopen_logs").as_value());
            }
            rb_self.who.attend(ruby, rb_self.row());
            let patience = rb_self.who.patience();
            match rb_self.with(ruby, |inner| {
                inner.rotation.next(ruby, &inner.link, patience)
            })? {
                Next::Again => {}
                Next::Connection(connection) => {
                    if let Some(answer) = Self::read(ruby, rb_self, template, connection)? {
                        return Ok(answer);
                    }
                }
                Next::Heard(Heard::Order(Order::Promote { seat, in_place }, Some(channel))) => {
                    let commission = Commission { seat, channel };
                    rb_self.commission.replace(Some((commission, in_place)));
                    rb_self.who.end(ruby, rb_self.row());
                    return Ok(ruby.to_symbol("promote").as_value());
                }
                // This process has no room for the descriptor, recvmsg(2), MSG_CTRUNC.
                Next::Heard(Heard::Order(Order::Promote { seat, .. }, None)) => {
                    let (ticket, reason) = (seat.ticket, Refusal::Failed);
                    rb_self.with(ruby, |inner| {
                        inner.link.report(ruby, Report::Refused { ticket, reason })
                    })?;
                    return Ok(ruby
                        .str_new("can't be promoted without a free descriptor")
                        .as_value());
                }
                Next::Death | Next::Heard(Heard::End | Heard::Order(Order::Retire, _)) => {
                    rb_self.leave();
                }
                Next::Heard(Heard::Order(order, _)) => {
                    let why = format!("not an order for a worker: {order:?}");
                    return Err(errors::misuse(ruby, why));
                }
            }
        }
        while let Some(connection) = rb_self.left_behind(ruby)? {
            if let Some(answer) = Self::read(ruby, rb_self, template, connection)? {
                return Ok(answer);
            }
        }
        rb_self.who.end(ruby, rb_self.row());
        Ok(ruby.to_symbol("retire").as_value())
    }

    /// The request of a connection, or a line for the log; nothing, if the client has gone.
    fn read(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        template: RHash,
        connection: Connection,
    ) -> Result<Option<Value>, Error> {
        // What making env costs, this request has cost.
        (rb_self.collections).turn(ruby, rb_self.row(), Gc::Within);
        let incoming = rb_self.with(ruby, |inner| {
            let listener = inner.rotation.listener(connection.from);
            inner.reader.read(ruby, template, connection, listener)
        })?;
        match incoming {
            Incoming::Nothing => Ok(None),
            Incoming::Refused { socket, why } => {
                rb_self.with(ruby, |inner| {
                    inner.rotation.linger(socket);
                    Ok(())
                })?;
                Ok(Some(ruby.str_new(&why).as_value()))
            }
            Incoming::Request(client) => {
                Self::begin(rb_self, client);
                Ok(Some(client.as_value()))
            }
        }
    }

    /// When the whole server stops nobody comes after this worker: what waits in the queues would be reset. But new clients may
    /// come as long as the listeners are open, so it does not go on for ever.
    fn left_behind(&self, ruby: &Ruby) -> Result<Option<Connection>, Error> {
        if !self.scoreboard.head().shutting_down() {
            return Ok(None);
        }
        let until = self.emptying.get().unwrap_or(monotonic() + QUEUE);
        self.emptying.set(Some(until));
        if monotonic() >= until {
            return Ok(None);
        }
        self.with(ruby, |inner| inner.rotation.next_in_queue(ruby))
    }

    /// The request is complete: counts it, and tells the master if it waits for that. Nothing, if it is overdue.
    fn complete(ruby: &Ruby, rb_self: Obj<Self>, client: Obj<Client>) -> Result<(), Error> {
        if rb_self.is_overdue.get() {
            return Ok(());
        }
        if let Some(socket) = client.take_parting() {
            rb_self.with(ruby, |inner| {
                inner.rotation.linger(socket);
                Ok(())
            })?;
        }
        if let Some(requests) = rb_self.row().complete() {
            rb_self.with(ruby, |inner| {
                inner.link.report(ruby, Report::Milestone { requests })
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

    /// From a trap: `wait` answers `:reopen_logs` next.
    fn reopen_logs(&self) {
        self.reopening.set(true);
    }

    /// Leaves rotation. The epoll instance must go too: a forked child that keeps it open would be woken in our stead.
    fn close(&self) {
        self.inner.take();
        self.commission.take();
    }
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("WorkerPort", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_method("nr", method!(WorkerPort::nr, 0))?;
    class.define_method("generation", method!(WorkerPort::generation, 0))?;
    class.define_method("requests", method!(WorkerPort::requests, 0))?;
    class.define_method("watch_gc", method!(WorkerPort::watch_gc, 0))?;
    class.define_method("gc_time", method!(WorkerPort::gc_time, 0))?;
    class.define_method("goes_soon?", method!(WorkerPort::goes_soon, 0))?;
    class.define_method("hello", method!(WorkerPort::hello, 0))?;
    class.define_method("ready", method!(WorkerPort::ready, 0))?;
    class.define_method("wait", method!(WorkerPort::wait, 0))?;
    class.define_method("complete", method!(WorkerPort::complete, 1))?;
    class.define_method(
        "promote_in_place?",
        method!(WorkerPort::may_promote_in_place, 0),
    )?;
    class.define_method("take_mold", method!(WorkerPort::take_mold, 0))?;
    class.define_method("commission_done", method!(WorkerPort::commission_done, 0))?;
    class.define_method("refuse", method!(WorkerPort::refuse, 1))?;
    class.define_method("leave", method!(WorkerPort::leave, 0))?;
    class.define_method("reopen_logs", method!(WorkerPort::reopen_logs, 0))?;
    class.define_method("close", method!(WorkerPort::close, 0))?;
    Ok(())
}

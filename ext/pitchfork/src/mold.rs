//! `Pitchfork::MoldPort`: how a mold hears and answers the master.
//!
//! A mold is silent (R6): waiting and forking allocate no Ruby object here, so all answers are Symbols and Integers.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;

use magnus::{
    Class, Error, Module, Object, RArray, RHash, RModule, Ruby, StaticSymbol, function, method,
    typed_data::Obj,
};
use nix::errno::Errno;
use pitchfork_core::supervisor::ExitStatus;
use pitchfork_core::wire::{Order, Report, Seat, Ticket};

use crate::link::{Commission, Heard, Link, adopt_fd};
use crate::ruby::errors;
use crate::ruby::scoreboard::RbScoreboard;
use crate::sys::{forks, process};
use crate::worker::WorkerPort;

/// The mold's side of its channel.
#[magnus::wrap(class = "Pitchfork::MoldPort", free_immediately)]
pub struct MoldPort {
    link: RefCell<Option<Link>>,
    commission: RefCell<Option<Commission>>,
    leaving: Cell<bool>,
    reopening: Cell<bool>,
}

impl MoldPort {
    pub fn of(link: Link) -> Self {
        MoldPort {
            link: RefCell::new(Some(link)),
            commission: RefCell::new(None),
            leaving: Cell::new(false),
            reopening: Cell::new(false),
        }
    }

    /// The boot mold's: `channel` is given away, `death` is not.
    fn new(channel: RawFd, death: RawFd, scoreboard: Obj<RbScoreboard>, generation: u32) -> Self {
        let seat = Seat {
            ticket: Ticket(0), // only the master needs it
            nr: 0,
            generation,
            row: 0,
            sibling: true,
            service: false,
        };
        Self::of(Link::new(
            adopt_fd(channel),
            death,
            scoreboard.0.clone(),
            seat,
        ))
    }

    fn with<R>(&self, ruby: &Ruby, f: impl FnOnce(&Link) -> Result<R, Error>) -> Result<R, Error> {
        let link = self.link.borrow();
        f(link
            .as_ref()
            .ok_or_else(|| errors::misuse(ruby, "this mold's port is closed"))?)
    }

    fn generation(ruby: &Ruby, rb_self: Obj<Self>) -> Result<u32, Error> {
        rb_self.with(ruby, |link| Ok(link.seat.generation))
    }

    /// `false`: the master does not want this mold any more.
    fn hello(ruby: &Ruby, rb_self: Obj<Self>) -> Result<bool, Error> {
        rb_self.with(ruby, |link| link.report(ruby, Report::Hello))
    }

    fn ready(ruby: &Ruby, rb_self: Obj<Self>) -> Result<bool, Error> {
        rb_self.with(ruby, |link| link.report(ruby, Report::Ready))
    }

    /// Waits for `:spawn` (then see the commission), `:reopen_logs` or `:retire`.
    fn wait(ruby: &Ruby, rb_self: Obj<Self>) -> Result<StaticSymbol, Error> {
        while !rb_self.leaving.get() {
            if rb_self.reopening.take() {
                return Ok(ruby.sym_new("reopen_logs"));
            }
            match rb_self.with(ruby, |link| link.listen(ruby))? {
                None => {}
                Some(Heard::End | Heard::Order(Order::Retire, _)) => break,
                Some(Heard::Order(Order::Spawn(seat), Some(channel))) => {
                    rb_self
                        .commission
                        .replace(Some(Commission { seat, channel }));
                    return Ok(ruby.sym_new("spawn"));
                }
                // The kernel leaves out a descriptor for which this process has no room, recvmsg(2), MSG_CTRUNC.
                Some(Heard::Order(Order::Spawn(seat), None)) => {
                    let (ticket, errno) = (seat.ticket, Errno::EMFILE as i32);
                    rb_self.with(ruby, |link| {
                        link.report(ruby, Report::ForkFailed { ticket, errno })
                    })?;
                }
                Some(Heard::Order(order, _)) => {
                    return Err(errors::misuse(
                        ruby,
                        format!("not an order for a mold: {order:?}"),
                    ));
                }
            }
        }
        Ok(ruby.sym_new("retire"))
    }

    /// Whether the worker asked for is to be forked twice, so that the master adopts it.
    fn is_sibling(&self) -> bool {
        self.commission
            .borrow()
            .as_ref()
            .is_some_and(|c| c.seat.sibling)
    }

    /// Whether a service worker is asked for.
    fn is_service(&self) -> bool {
        self.commission
            .borrow()
            .as_ref()
            .is_some_and(|c| c.seat.service)
    }

    /// The number of the worker that is asked for; on a service worker's port, its index among their names.
    fn nr(ruby: &Ruby, rb_self: Obj<Self>) -> Result<u32, Error> {
        let asked_for = rb_self.commission.borrow().as_ref().map(|c| c.seat.nr);
        asked_for.map_or_else(|| rb_self.with(ruby, |link| Ok(link.seat.nr)), Ok)
    }

    /// In the mold: the worker is forked (nil), or the fork failed with this errno.
    fn commission_done(ruby: &Ruby, rb_self: Obj<Self>, errno: Option<i32>) -> Result<(), Error> {
        let commission = rb_self.commission.take();
        if let (Some(Commission { seat, .. }), Some(errno)) = (commission, errno) {
            let ticket = seat.ticket;
            rb_self.with(ruby, |link| {
                link.report(ruby, Report::ForkFailed { ticket, errno })
            })?;
        }
        Ok(())
    }

    /// In the new worker: its port. This one is closed.
    fn take_worker(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        listeners: RArray,
        template: RHash,
        settings: RHash,
    ) -> Result<Obj<WorkerPort>, Error> {
        let link = rb_self.link.take();
        match (link, rb_self.commission.take()) {
            (Some(link), Some(Commission { seat, channel })) => WorkerPort::create(
                ruby,
                link.hand_on(channel, seat),
                listeners,
                template,
                settings,
            ),
            _ => Err(errors::misuse(ruby, "no worker was asked for")),
        }
    }

    /// In the new service worker: its port, which is like a mold's but is never asked to fork. This one is closed.
    fn take_service(ruby: &Ruby, rb_self: Obj<Self>) -> Result<MoldPort, Error> {
        match (rb_self.link.take(), rb_self.commission.take()) {
            (Some(link), Some(Commission { seat, channel })) => {
                Ok(MoldPort::of(link.hand_on(channel, seat)))
            }
            _ => Err(errors::misuse(ruby, "no service worker was asked for")),
        }
    }

    fn leave(&self) {
        self.leaving.set(true);
    }

    /// From a trap: `wait` answers `:reopen_logs` next.
    fn reopen_logs(&self) {
        self.reopening.set(true);
    }

    fn close(&self) {
        self.link.take();
        self.commission.take();
    }
}

/// Whether the master's death ends this process at once. For a child of the master, while user code runs that does not look at
/// the death pipe.
fn die_with_master(wanted: bool) {
    process::die_with_parent(wanted);
}

/// Whether the children that this process forks from now on die with it, from their first moment: whatever hooks hang in them.
fn bind_children(wanted: bool) {
    forks::bind_children(wanted);
}

/// In a sibling: waits until the process in the middle has ended, and this one is the master's child.
fn await_end(middle: u32) {
    process::await_end(middle);
}

/// Raises `Errno::EAGAIN` when there are too many processes for one more, which `Process.fork` would wait out.
fn may_fork(ruby: &Ruby) -> Result<(), Error> {
    process::may_fork().map_err(|errno| errors::system(ruby, "fork", errno))
}

/// Waits for a direct child, without Ruby's `Process::Status`. Answers whether it exited with 0.
fn reap(ruby: &Ruby, pid: u32) -> Result<bool, Error> {
    let status = process::reap(pid).map_err(|errno| errors::system(ruby, "waitid", errno))?;
    Ok(status == ExitStatus::Exited(0))
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("MoldPort", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("new", function!(MoldPort::new, 4))?;
    class.define_singleton_method("die_with_master", function!(die_with_master, 1))?;
    class.define_singleton_method("bind_children", function!(bind_children, 1))?;
    class.define_singleton_method("await_end", function!(await_end, 1))?;
    class.define_singleton_method("may_fork", function!(may_fork, 0))?;
    class.define_singleton_method("reap", function!(reap, 1))?;
    class.define_method("generation", method!(MoldPort::generation, 0))?;
    class.define_method("hello", method!(MoldPort::hello, 0))?;
    class.define_method("ready", method!(MoldPort::ready, 0))?;
    class.define_method("wait", method!(MoldPort::wait, 0))?;
    class.define_method("sibling?", method!(MoldPort::is_sibling, 0))?;
    class.define_method("service?", method!(MoldPort::is_service, 0))?;
    class.define_method("nr", method!(MoldPort::nr, 0))?;
    class.define_method("take_service", method!(MoldPort::take_service, 0))?;
    class.define_method("commission_done", method!(MoldPort::commission_done, 1))?;
    class.define_method("take_worker", method!(MoldPort::take_worker, 3))?;
    class.define_method("leave", method!(MoldPort::leave, 0))?;
    class.define_method("reopen_logs", method!(MoldPort::reopen_logs, 0))?;
    class.define_method("close", method!(MoldPort::close, 0))?;
    Ok(())
}

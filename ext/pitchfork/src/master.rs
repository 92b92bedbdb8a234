//! `Pitchfork::Supervision`: the master's event loop, as Ruby sees it.
//!
//! `wait` works until Ruby is needed (a hook, a log line, booting a mold), and answers what for (R3). The work is the
//! [`Shell`]'s.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use magnus::{
    Class, Error, Module, Object, RArray, RHash, RModule, Ruby, Symbol, function, method,
    typed_data::Obj,
};
use pitchfork_core::supervisor::{Event, Supervisor};

use crate::ruby::scoreboard::RbScoreboard;
use crate::ruby::{errors, supervision};
use crate::shell::Shell;
use crate::sys::clock::monotonic;
use crate::sys::process;

/// The master's event loop.
#[magnus::wrap(class = "Pitchfork::Supervision", free_immediately)]
pub struct Supervision {
    shell: RefCell<Option<Shell>>,
    /// From traps, which may run while the shell waits.
    signals: RefCell<VecDeque<Event>>,
    /// Also from traps, which may not do themselves what these ask of Ruby.
    errands: RefCell<VecDeque<&'static str>>,
    /// How many versions of the code there have been.
    versions: Cell<u32>,
    /// How often Ruby is to be reminded of its watchdog, and when it is next.
    beat: Cell<Option<(Duration, Duration)>>,
}

/// How often the scoreboard is looked at while nothing happens. A request whose deadline the app makes an earlier one is told of.
const WATCH: Duration = Duration::from_secs(1);

impl Supervision {
    fn new(ruby: &Ruby, settings: RHash, scoreboard: Obj<RbScoreboard>) -> Result<Self, Error> {
        let settings = supervision::settings(ruby, settings)?;
        let shell = Shell::new(Supervisor::new(settings), scoreboard.0.clone())
            .map_err(|errno| errors::system(ruby, "epoll_create1", errno))?;
        Ok(Supervision {
            shell: RefCell::new(Some(shell)),
            signals: RefCell::default(),
            errands: RefCell::default(),
            versions: Cell::new(1),
            beat: Cell::default(),
        })
    }

    /// From a trap.
    fn signal(ruby: &Ruby, rb_self: Obj<Self>, name: Symbol) -> Result<(), Error> {
        let name = name.name()?;
        if let Some(errand) = supervision::errand(&name) {
            rb_self.errands.borrow_mut().push_back(errand);
        } else {
            let event = supervision::signal(ruby, &name)?;
            rb_self.signals.borrow_mut().push_back(event);
        }
        Ok(())
    }

    /// Begins a hot restart with these settings. Answers its version.
    fn restart(ruby: &Ruby, rb_self: Obj<Self>, settings: RHash) -> Result<u32, Error> {
        let settings = Box::new(supervision::settings(ruby, settings)?);
        let version = rb_self.versions.get() + 1;
        rb_self.versions.set(version);
        let event = Event::Restart { version, settings };
        rb_self.signals.borrow_mut().push_back(event);
        Ok(version)
    }

    /// From now on `wait` answers `:tick` so often, as long as it has the time: a master that is stuck misses it.
    fn tick_every(ruby: &Ruby, rb_self: Obj<Self>, seconds: f64) -> Result<(), Error> {
        let every = Duration::try_from_secs_f64(seconds)
            .map_err(|error| errors::misuse(ruby, format!("{seconds} seconds: {error}")))?;
        rb_self.beat.set(Some((every, monotonic())));
        Ok(())
    }

    /// How long it is until the next tick, if there is to be one.
    fn until_tick(&self) -> Option<Duration> {
        let (_, at) = self.beat.get()?;
        Some(at.saturating_sub(monotonic()))
    }

    /// Whether it is time for a tick. If so, the next one is later.
    fn take_tick(&self) -> bool {
        let now = monotonic();
        match self.beat.get() {
            Some((every, at)) if at <= now => {
                self.beat.set(Some((every, now + every)));
                true
            }
            _ => false,
        }
    }

    /// Pids of all children that have said hello.
    fn pids(ruby: &Ruby, rb_self: Obj<Self>) -> Result<Vec<u32>, Error> {
        rb_self.with(ruby, |shell| Ok(shell.children.pids().collect()))
    }

    /// What has happened how often.
    fn counters(ruby: &Ruby, rb_self: Obj<Self>) -> Result<RHash, Error> {
        let (counters, gc_time) = rb_self.with(ruby, |shell| {
            Ok((shell.supervisor.counters(), shell.gc_time()))
        })?;
        supervision::counters(ruby, counters, gc_time)
    }

    /// Works until Ruby is needed, and answers what for: an Array of a Symbol and its arguments.
    fn wait(ruby: &Ruby, rb_self: Obj<Self>) -> Result<RArray, Error> {
        loop {
            if let Some(errand) = rb_self.errands.borrow_mut().pop_front() {
                return Ok(ruby.ary_from_iter([ruby.to_symbol(errand)]));
            }
            if rb_self.take_tick() {
                return Ok(ruby.ary_from_iter([ruby.to_symbol("tick")]));
            }
            let signals = rb_self.signals.take();
            let answer = rb_self.with(ruby, |shell| {
                shell.tell(signals);
                Ok(shell.settle())
            })?;
            if let Some(action) = answer {
                return supervision::answer(ruby, action);
            }
            let patience = rb_self.until_tick().unwrap_or(WATCH).min(WATCH);
            rb_self.with(ruby, |shell| shell.pause(ruby, &rb_self.signals, patience))?;
            rb_self.with(ruby, |shell| {
                shell.collect();
                Ok(())
            })?;
        }
    }

    fn with<R>(
        &self,
        ruby: &Ruby,
        f: impl FnOnce(&mut Shell) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut shell = self.shell.borrow_mut();
        f(shell
            .as_mut()
            .ok_or_else(|| errors::misuse(ruby, "supervision is closed"))?)
    }

    /// The descriptor that the boot mold is to inherit as its channel.
    fn boot_channel(ruby: &Ruby, rb_self: Obj<Self>) -> Result<RawFd, Error> {
        rb_self.with(ruby, |shell| match &shell.booting {
            Some((_, channel)) => Ok(channel.as_raw_fd()),
            None => Err(errors::misuse(ruby, "no mold is to be booted")),
        })
    }

    /// Ruby has started the boot mold, or could not (nil).
    fn booted(ruby: &Ruby, rb_self: Obj<Self>, pid: Option<u32>) -> Result<(), Error> {
        rb_self.with(ruby, |shell| {
            if let Some((ticket, _)) = shell.booting.take() {
                match pid {
                    Some(pid) => shell.hello(ticket, pid),
                    None => shell.tell([Event::ForkFailed { ticket, errno: 0 }]),
                }
            }
            Ok(())
        })
    }

    /// In a forked child: drops all that is the master's. What the child needs, it has taken.
    fn close(&self) {
        if let Some((_, channel)) = self.shell.take().and_then(|shell| shell.booting) {
            // Given to the child's MoldPort by number.
            std::mem::forget(channel);
        }
    }
}

/// Makes orphaned descendants children of this process. Answers whether they will come.
fn adopt_orphans() -> bool {
    process::adopt_orphans()
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Supervision", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("new", function!(Supervision::new, 2))?;
    class.define_singleton_method("adopt_orphans", function!(adopt_orphans, 0))?;
    class.define_method("signal", method!(Supervision::signal, 1))?;
    class.define_method("restart", method!(Supervision::restart, 1))?;
    class.define_method("pids", method!(Supervision::pids, 0))?;
    class.define_method("counters", method!(Supervision::counters, 0))?;
    class.define_method("tick_every", method!(Supervision::tick_every, 1))?;
    class.define_method("wait", method!(Supervision::wait, 0))?;
    class.define_method("boot_channel", method!(Supervision::boot_channel, 0))?;
    class.define_method("booted", method!(Supervision::booted, 1))?;
    class.define_method("close", method!(Supervision::close, 0))?;
    Ok(())
}

//! `Pitchfork::Scoreboard`.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use magnus::{Class, Error, Module, Object, RModule, Ruby, function, method};

use crate::ruby::errors;
use crate::sys::scoreboard::{ROWS, Scoreboard};

/// The table that the master and all its children share.
#[magnus::wrap(class = "Pitchfork::Scoreboard", free_immediately)]
pub struct RbScoreboard(pub Scoreboard);

impl RbScoreboard {
    fn create(ruby: &Ruby) -> Result<Self, Error> {
        Scoreboard::create()
            .map(Self)
            .map_err(|errno| errors::system(ruby, "memfd_create", errno))
    }

    fn attach(ruby: &Ruby, fd: RawFd) -> Result<Self, Error> {
        // SAFETY: the caller gives the descriptor away; it came to this process for nothing else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Scoreboard::attach(fd)
            .map(Self)
            .map_err(|errno| errors::system(ruby, "mmap of the scoreboard", errno))
    }

    fn fileno(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }

    fn workers(&self) -> u32 {
        self.0.head().workers()
    }

    fn live_workers(&self) -> u32 {
        self.0.head().live_workers()
    }

    fn shutting_down(&self) -> bool {
        self.0.head().shutting_down()
    }

    fn log_epoch(&self) -> u32 {
        self.0.head().log_epoch()
    }

    /// Seconds of garbage collection of a row's process, within requests and between them.
    fn gc_time(ruby: &Ruby, rb_self: &Self, index: u32) -> Result<(f64, f64), Error> {
        if index as usize >= ROWS {
            let why = format!("the scoreboard has no row {index}");
            return Err(errors::misuse(ruby, why));
        }
        let seconds = |nanos| Duration::from_nanos(nanos).as_secs_f64();
        let [within, between] = rb_self.0.row(index).gc();
        Ok((seconds(within), seconds(between)))
    }

    /// In the master.
    fn begin_log_epoch(&self) {
        self.0.head().begin_log_epoch();
    }
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Scoreboard", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("create", function!(RbScoreboard::create, 0))?;
    class.define_singleton_method("attach", function!(RbScoreboard::attach, 1))?;
    class.define_method("fileno", method!(RbScoreboard::fileno, 0))?;
    class.define_method("workers", method!(RbScoreboard::workers, 0))?;
    class.define_method("live_workers", method!(RbScoreboard::live_workers, 0))?;
    class.define_method("shutting_down?", method!(RbScoreboard::shutting_down, 0))?;
    class.define_method("log_epoch", method!(RbScoreboard::log_epoch, 0))?;
    class.define_method("gc_time", method!(RbScoreboard::gc_time, 1))?;
    class.define_method("begin_log_epoch", method!(RbScoreboard::begin_log_epoch, 0))?;
    Ok(())
}

//! `Pitchfork::Scoreboard`.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use magnus::{Class, Error, Module, Object, RModule, Ruby, function, method};

use crate::ruby::errors;
use crate::sys::scoreboard::Scoreboard;

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
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Scoreboard", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("create", function!(RbScoreboard::create, 0))?;
    class.define_singleton_method("attach", function!(RbScoreboard::attach, 1))?;
    class.define_method("fileno", method!(RbScoreboard::fileno, 0))?;
    Ok(())
}

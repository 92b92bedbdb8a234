//! What this library does when the process forks, whoever it is that forks it.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};

use crate::sys::process;

/// Whether this process has forked since [`watch`].
static FORKED: AtomicBool = AtomicBool::new(false);
/// The process whose children die with it; 0: none.
static PARENT: AtomicI32 = AtomicI32::new(0);

/// Called when this library is loaded. Handlers run in the child in the order of their registration: those of libraries that
/// the app loads, and the fork hooks in Ruby, come later. They may hang.
pub fn register() {
    // SAFETY: the handlers are functions of this library, which Ruby never unloads. Without memory for the registration (the
    // one way to fail) nothing is noticed.
    unsafe { libc::pthread_atfork(None, Some(in_parent), Some(in_child)) };
}

extern "C" fn in_parent() {
    FORKED.store(true, Relaxed);
}

extern "C" fn in_child() {
    let parent = PARENT.swap(0, Relaxed); // its own children are not meant
    if parent == 0 {
        return;
    }
    process::die_with_parent(true);
    // SAFETY: without arguments that could be wrong, and permitted between a fork and whatever follows.
    unsafe {
        if libc::getppid() != parent {
            libc::_exit(1); // it has died before
        }
    }
}

/// Begins to look, from now on: what a parent has done before is forgotten.
pub fn watch() {
    FORKED.store(false, Relaxed);
}

/// Whether fork(2) was called since. A child may hold whatever descriptors were open then.
pub fn happened() -> bool {
    FORKED.load(Relaxed)
}

/// Whether the children that this process forks from now on die with it.
pub fn bind_children(wanted: bool) {
    // SAFETY: getpid has no arguments and cannot fail.
    let pid = if wanted { unsafe { libc::getpid() } } else { 0 };
    PARENT.store(pid, Relaxed);
}

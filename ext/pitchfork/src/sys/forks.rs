//! Whether this process has forked.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static FORKED: AtomicBool = AtomicBool::new(false);

/// Begins to look, from now on: what a parent has done before is forgotten.
pub fn watch() {
    static REGISTERED: Once = Once::new();
    extern "C" fn note() {
        FORKED.store(true, Ordering::Relaxed);
    }
    REGISTERED.call_once(|| {
        // SAFETY: the handler is a function of this library, which Ruby never unloads. Without memory for the registration
        // (the one way to fail) nothing is noticed.
        unsafe { libc::pthread_atfork(None, Some(note), None) };
    });
    FORKED.store(false, Ordering::Relaxed);
}

/// Whether fork(2) was called since. A child may hold whatever descriptors were open then.
pub fn happened() -> bool {
    FORKED.load(Ordering::Relaxed)
}

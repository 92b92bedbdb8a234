//! A signal of our own, for as long as it is needed.

use std::mem::MaybeUninit;

use libc::{c_int, sigaction, sigset_t};
use nix::errno::Errno;

/// A real-time signal with a handler. Gone when this is dropped.
pub struct Handler {
    pub signal: c_int,
    before: sigaction,
}

impl Handler {
    /// Takes the highest real-time signal that nobody uses: Ruby's own `trap` knows none of them, libraries begin with the
    /// lowest. All signals wait while `handle` runs, which happens on Ruby's alternate stack, for a fiber's may be almost full.
    ///
    /// # Errors
    ///
    /// EBUSY: all are used or blocked.
    ///
    /// # Safety
    ///
    /// `handle` must do only what is permitted in a signal handler.
    pub unsafe fn install(handle: extern "C" fn(c_int)) -> nix::Result<Self> {
        let blocked = blocked()?;
        for signal in (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev() {
            // SAFETY: a set that the system has filled in.
            if unsafe { libc::sigismember(&raw const blocked, signal) } == 1 {
                continue;
            }
            let before = action(signal, None)?;
            if before.sa_sigaction == libc::SIG_DFL {
                action(signal, Some(&with(handle)))?;
                return Ok(Handler { signal, before });
            }
        }
        Err(Errno::EBUSY)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // One that is still on its way would end this process under the default action. To ignore it discards it.
        let mut ignore = self.before;
        ignore.sa_sigaction = libc::SIG_IGN;
        let restored =
            action(self.signal, Some(&ignore)).and(action(self.signal, Some(&self.before)));
        debug_assert!(restored.is_ok());
    }
}

fn with(handle: extern "C" fn(c_int)) -> sigaction {
    // SAFETY: all zeros are a valid sigaction, and sigfillset fills in a set that is there.
    unsafe {
        let mut action: sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut action.sa_mask);
        action
    }
}

/// Sets the action of a signal, or only asks for it.
fn action(signal: c_int, new: Option<&sigaction>) -> nix::Result<sigaction> {
    let mut old = MaybeUninit::zeroed();
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both pointers are valid, or null where that means nothing; `old` is written when the call succeeds.
    unsafe {
        Errno::result(libc::sigaction(signal, new, old.as_mut_ptr()))?;
        Ok(old.assume_init())
    }
}

fn blocked() -> nix::Result<sigset_t> {
    let mut set = MaybeUninit::zeroed();
    // SAFETY: a null set changes nothing; the old one is written when the call succeeds.
    unsafe {
        let asked = libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
        if asked == 0 {
            Ok(set.assume_init())
        } else {
            Err(Errno::from_raw(asked))
        }
    }
}

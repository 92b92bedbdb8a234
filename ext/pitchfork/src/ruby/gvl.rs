//! Waiting without the GVL, so that other Ruby threads run and signals are handled.

use std::any::Any;
use std::ffi::c_void;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use magnus::{Error, Ruby};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::ruby::errors;
use crate::sys::clock::monotonic;

/// Runs `f` without the GVL. `None` when an interrupt was pending already and `f` never ran: the caller has to see to
/// [`Ruby::thread_check_ints`] either way, and then try again.
///
/// This is the `2` variant on purpose: the plain `rb_thread_call_without_gvl` handles interrupts itself, and a pending
/// `Thread#raise` would then longjmp over the Rust frames above. `f` must be one system call that ends with EINTR, for that
/// is what Ruby's signal makes of it.
pub fn without_gvl<F, R>(_ruby: &Ruby, f: F) -> Option<R>
where
    F: FnOnce() -> R + Send,
{
    struct Call<F, R> {
        f: Option<F>,
        result: Option<Result<R, Box<dyn Any + Send>>>,
    }

    unsafe extern "C" fn run<F: FnOnce() -> R, R>(call: *mut c_void) -> *mut c_void {
        // SAFETY: the pointer passed below, to a Call that outlives this; nobody else has it.
        let call = unsafe { &mut *call.cast::<Call<F, R>>() };
        if let Some(f) = call.f.take() {
            // A panic must not unwind through C.
            call.result = Some(catch_unwind(AssertUnwindSafe(f)));
        }
        std::ptr::null_mut()
    }

    let mut call = Call {
        f: Some(f),
        result: None,
    };
    // RUBY_UBF_IO is a macro for this value, which Ruby tells from a function pointer.
    // SAFETY: an Option of a function pointer is as large as an isize, and -1 is not null.
    let unblock: rb_sys::rb_unblock_function_t = unsafe { std::mem::transmute(-1_isize) };
    // SAFETY: the GVL is held (`&Ruby`), `run` matches the data, which lives until the call returns.
    unsafe {
        rb_sys::rb_thread_call_without_gvl2(
            Some(run::<F, R>),
            (&raw mut call).cast(),
            unblock,
            std::ptr::null_mut(),
        );
    }
    match call.result? {
        Ok(result) => Some(result),
        Err(panic) => resume_unwind(panic),
    }
}

/// Waits until the descriptor is ready for `events`, or has failed or been hung up. `false`: `timeout` has passed.
/// Traps run meanwhile, and what they or `Thread#raise` raise is the error.
pub fn wait_for(
    ruby: &Ruby,
    fd: BorrowedFd<'_>,
    events: PollFlags,
    timeout: Duration,
) -> Result<bool, Error> {
    let until = monotonic() + timeout;
    let mut fds = [PollFd::new(fd, events)];
    loop {
        let left = until.saturating_sub(monotonic());
        match poll_once(ruby, &mut fds, Some(left))? {
            Some(0) if left.is_zero() => return Ok(false),
            Some(0) | None => {}
            Some(_) => return Ok(true),
        }
    }
}

/// One poll(2) without the GVL. `None`: interrupted, and traps have run, so look again at what they may have changed.
pub fn poll_once(
    ruby: &Ruby,
    fds: &mut [PollFd<'_>],
    left: Option<Duration>,
) -> Result<Option<i32>, Error> {
    interruptible(ruby, "poll", || poll(fds, timeout(left)))
}

/// The timeout of poll(2) and epoll_wait(2), rounded up, so that a wait never ends just before its time.
pub fn timeout(left: Option<Duration>) -> PollTimeout {
    left.map_or(PollTimeout::NONE, |left| {
        let millis = left.as_nanos().div_ceil(1_000_000);
        PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
    })
}

/// Makes a system call without the GVL and sees to interrupts afterwards. `None`: it was interrupted.
pub fn interruptible<R: Send>(
    ruby: &Ruby,
    call: &str,
    f: impl FnOnce() -> nix::Result<R> + Send,
) -> Result<Option<R>, Error> {
    let result = without_gvl(ruby, f);
    ruby.thread_check_ints()?;
    match result {
        Some(Ok(result)) => Ok(Some(result)),
        Some(Err(Errno::EINTR)) | None => Ok(None),
        Some(Err(errno)) => Err(errors::system(ruby, call, errno)),
    }
}

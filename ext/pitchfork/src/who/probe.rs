//! The part that runs in a signal handler: it asks Ruby which methods are running at the moment of a page fault.
//!
//! Ruby promises nothing about signal handlers, but its sampling profilers (stackprof) depend on this use of
//! `rb_profile_frames`: it walks frames that are complete before the VM links them in, takes no lock and allocates nothing.
//! Not so during garbage collection, when objects may be moved, nor without the GVL. Line numbers are not asked for: they
//! would be computed from a program counter that a JIT need not keep up to date.

use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32};

use libc::c_int;
use pitchfork_core::who::{Code, DEPTH, Samples};

use crate::sys::clock::nanoseconds;
use crate::sys::handler::Handler;
use crate::sys::perf::PageFaults;

/// So many samples at most, after which the kernel ends the event: at 25 µs each they take 0.5 % of ten seconds. The memory for
/// them is 125 KiB.
const SAMPLES: u32 = 2048;
/// After so many, fewer than half as many faults are sampled as before. At first it is each single one, so that a worker that
/// has settled is seen as well as one that has just been forked: there is room for the faults of 1.5 GiB.
const STEP: usize = SAMPLES as usize / 10;

/// What the handler works with.
static ACTIVE: AtomicPtr<Parts> = AtomicPtr::new(null_mut());

unsafe extern "C" {
    /// Exported by every Ruby since 1.9.3, for fiddle.
    fn ruby_thread_has_gvl_p() -> c_int;
}

/// Samples the page faults of the main thread from its creation until it is stopped or dropped. One at a time.
pub struct Probe {
    // Boxed because the handler has its address.
    parts: Box<Parts>,
    handler: Option<Handler>,
}

struct Parts {
    event: PageFaults,
    samples: Samples,
    /// One fault in so many is sampled. Odd, so as not to keep step with what alternates.
    period: AtomicU32,
    /// Nanoseconds of CLOCK_MONOTONIC.
    until: u64,
}

impl Probe {
    /// Begins.
    ///
    /// # Errors
    ///
    /// The call that failed, and how.
    pub fn start(until: u64) -> Result<Self, (nix::errno::Errno, &'static str)> {
        let event = PageFaults::open().map_err(|errno| (errno, "perf_event_open"))?;
        let samples = Samples::new(SAMPLES as usize);
        let parts = Box::new(Parts {
            event,
            samples,
            period: AtomicU32::new(1),
            until,
        });
        let mut probe = Probe {
            parts,
            handler: None,
        };
        ACTIVE.store(std::ptr::from_ref(&*probe.parts).cast_mut(), Release);
        // SAFETY: `handle` is written for it.
        let handler = unsafe { Handler::install(handle) }.map_err(|errno| (errno, "sigaction"))?;
        let started = probe.parts.event.start(handler.signal, SAMPLES);
        probe.handler = Some(handler);
        started.map_err(|errno| (errno, "fcntl of a perf event"))?;
        Ok(probe)
    }

    /// Ends it. The samples stay.
    pub fn stop(&mut self) {
        self.parts.event.stop();
        self.handler = None;
        ACTIVE.store(null_mut(), Release);
    }

    pub fn samples(&self) -> &Samples {
        &self.parts.samples
    }

    /// All faults, sampled or not; 0, if that cannot be read.
    pub fn faults(&self) -> u64 {
        self.parts.event.count().unwrap_or(0)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop();
    }
}

extern "C" fn handle(_signal: c_int) {
    // SAFETY: set while the parts live; the handler is gone before they are.
    if let Some(parts) = unsafe { ACTIVE.load(Acquire).as_ref() } {
        parts.take();
    }
}

impl Parts {
    /// The kernel sends the signal when the fault is dealt with, so the newest record is of the code that was interrupted.
    /// Older ones are there when signals were blocked, and what ran then is not known any more.
    fn take(&self) {
        if nanoseconds() > self.until {
            return self.event.stop();
        }
        let mut frames = [0; DEPTH];
        let code = running(&mut frames);
        let period = self.period.load(Relaxed);
        let mut newest = None;
        self.event.drain(|fault| {
            if let Some(older) = newest.replace(fault) {
                self.samples.push(older, period, &Code::Unknown);
            }
        });
        if let Some(fault) = newest {
            self.samples.push(fault, period, &code);
        }
        if self.samples.len() >= STEP * self.step() {
            let longer = 2 * period + 1;
            self.period.store(longer, Relaxed);
            self.event.set_period(longer.into());
        }
    }

    /// Which step the period is at, from 1: it is 1, 3, 7, 15...
    fn step(&self) -> usize {
        self.period.load(Relaxed).count_ones() as usize
    }
}

fn running(frames: &mut [u64; DEPTH]) -> Code<&[u64]> {
    // SAFETY: permitted in a signal handler on any thread that Ruby knows, and the main thread is one.
    unsafe {
        if ruby_thread_has_gvl_p() == 0 {
            return Code::Unknown;
        }
        if rb_sys::rb_during_gc() != 0 {
            return Code::Gc;
        }
    }
    // SAFETY: as the module says; there is room for so many frames, and lines are not wanted.
    let count = unsafe {
        rb_sys::rb_profile_frames(0, DEPTH as c_int, frames.as_mut_ptr().cast(), null_mut())
    };
    Code::Ruby(&frames[..usize::try_from(count).unwrap_or(0)])
}

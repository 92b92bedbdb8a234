//! The clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// Time since boot on a clock that is never set and stands still while the machine is suspended (CLOCK_MONOTONIC), the
/// same in every process. Answered by the vDSO, without a system call.
pub fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .expect("CLOCK_MONOTONIC always exists")
        .into()
}

/// The same in nanoseconds, as it stands in shared memory.
pub fn nanoseconds() -> u64 {
    u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX)
}

/// Time that this thread has had on a processor, in the kernel or out of it (CLOCK_THREAD_CPUTIME_ID).
pub fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .expect("CLOCK_THREAD_CPUTIME_ID always exists")
        .into()
}

/// Seconds since 1970, for the Date field.
pub fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

//! The scoreboard: one row per process in memory that the master and all its children share.
//!
//! A memfd, so that the exec'd boot mold can map it too. Each row is written by one process (its owner) but for the fields
//! that the master sets before the process exists, so plain relaxed atomics are enough.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::ftruncate;
use pitchfork_core::MAX_WORKERS;

/// Every worker may be followed by its replacement, and there are molds.
pub const ROWS: usize = 2 * MAX_WORKERS as usize + 64;

/// One process. As long as two cache lines, because processors fetch lines in pairs.
#[repr(C, align(128))]
pub struct Row {
    /// Requests completed.
    requests: AtomicU64,
    /// After how many requests the worker reports that it is warm.
    warm_at: AtomicU64,
    /// When the current request began, in nanoseconds of CLOCK_MONOTONIC; 0: idle.
    busy_since: AtomicU64,
}

impl Row {
    /// Prepares the row for a process that does not exist yet.
    pub fn reset(&self, warm_at: Option<u64>) {
        self.requests.store(0, Relaxed);
        self.busy_since.store(0, Relaxed);
        self.warm_at.store(warm_at.unwrap_or(u64::MAX), Relaxed);
    }

    /// Requests completed.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// A request begins.
    pub fn begin(&self, now: u64) {
        self.busy_since.store(now, Relaxed);
    }

    /// A request is complete. Answers the count if it is the one the master waits for.
    pub fn complete(&self) -> Option<u64> {
        let requests = self.requests.load(Relaxed) + 1;
        self.requests.store(requests, Relaxed);
        self.busy_since.store(0, Relaxed);
        (requests == self.warm_at.load(Relaxed)).then_some(requests)
    }
}

/// The mapped table. Clones share the mapping; it is inherited by fork.
#[derive(Clone)]
pub struct Scoreboard {
    map: Arc<Map>,
}

struct Map {
    rows: NonNull<Row>,
    fd: OwnedFd,
}

// SAFETY: rows are only ever accessed through shared references to atomics.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Scoreboard {
    const BYTES: usize = ROWS * size_of::<Row>();

    /// A new table, all zero.
    pub fn create() -> nix::Result<Scoreboard> {
        let fd = memfd_create("pitchfork scoreboard", MFdFlags::MFD_CLOEXEC)?;
        ftruncate(&fd, i64::try_from(Self::BYTES).expect("a few hundred KiB"))?;
        Self::attach(fd)
    }

    /// The table behind an inherited descriptor.
    pub fn attach(fd: OwnedFd) -> nix::Result<Scoreboard> {
        let length = std::num::NonZeroUsize::new(Self::BYTES).expect("rows have a size");
        // SAFETY: a fresh mapping of a file of that length; zeroed bytes are valid rows.
        let rows = unsafe {
            mmap(
                None,
                length,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                &fd,
                0,
            )
        }?;
        let map = Map {
            rows: rows.cast(),
            fd,
        };
        Ok(Scoreboard { map: Arc::new(map) })
    }

    /// One row. `index` is the supervisor's and lies below [`ROWS`], else this panics.
    pub fn row(&self, index: u32) -> &Row {
        let index = index as usize;
        assert!(index < ROWS, "row {index} of {ROWS}");
        // SAFETY: inside the mapping, which lives as long as self; atomics permit shared access.
        unsafe { self.map.rows.add(index).as_ref() }
    }
}

impl AsFd for Scoreboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.fd.as_fd()
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: mapped with this length in `attach`; no row outlives its scoreboard.
        let unmapped = unsafe { munmap(self.rows.cast(), Scoreboard::BYTES) };
        debug_assert!(unmapped.is_ok());
    }
}

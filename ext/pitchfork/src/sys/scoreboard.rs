//! The scoreboard: what the master and all its children know of each other, in memory that they share: a head, and one row
//! per process.
//!
//! A memfd, so that the exec'd boot mold can map it too. The head is written by the master only. Each row is written by one
//! process (its owner) but for the fields that are the master's, so single atomics are enough.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::stat::fstat;
use nix::unistd::ftruncate;
use pitchfork_core::MAX_WORKERS;

/// Every worker may be followed by its replacement, and there are molds.
pub const ROWS: usize = 2 * MAX_WORKERS as usize + 64;

/// What is true of the whole server.
#[repr(C, align(128))]
pub struct Head {
    /// Workers that there should be.
    workers: AtomicU32,
    /// Workers that serve.
    live_workers: AtomicU32,
    shutting_down: AtomicBool,
    /// How often the master was asked to reopen its log files.
    log_epoch: AtomicU32,
}

impl Head {
    /// Workers that there should be.
    pub fn workers(&self) -> u32 {
        self.workers.load(Relaxed)
    }

    /// Workers that serve.
    pub fn live_workers(&self) -> u32 {
        self.live_workers.load(Relaxed)
    }

    /// Whether the server has been told to stop.
    pub fn shutting_down(&self) -> bool {
        self.shutting_down.load(Relaxed)
    }

    /// For the master.
    pub fn set_workers(&self, wished: u32, live: u32) {
        self.workers.store(wished, Relaxed);
        self.live_workers.store(live, Relaxed);
    }

    /// How often the master was asked to reopen its log files.
    pub fn log_epoch(&self) -> u32 {
        self.log_epoch.load(Relaxed)
    }

    /// For the master.
    pub fn begin_log_epoch(&self) {
        self.log_epoch.fetch_add(1, Relaxed);
    }

    /// For the master.
    pub fn set_shutting_down(&self) {
        self.shutting_down.store(true, Relaxed);
    }
}

/// One process. As long as two cache lines, because processors fetch lines in pairs.
#[repr(C, align(128))]
pub struct Row {
    /// Requests completed.
    requests: AtomicU64,
    /// After how many requests the worker reports to the master; `u64::MAX`: never. The master's, and taken by its owner.
    report_at: AtomicU64,
    /// When the current request began, in nanoseconds of CLOCK_MONOTONIC; 0: idle.
    busy_since: AtomicU64,
    /// When the current request will be late, in the same nanoseconds; 0: never.
    deadline: AtomicU64,
    /// Nanoseconds of garbage collection within requests, and between them.
    gc: [AtomicU64; 2],
    /// Until when the worker is to note whose writes break the sharing, in the same nanoseconds; 0: it is not. Whoever asks
    /// for it sets this.
    who_until: AtomicU64,
    /// The process whose row it is; 0: nobody's yet.
    pid: AtomicU32,
}

/// What a worker does while garbage is collected: serves a request, or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gc {
    Within,
    Between,
}

const NEVER: u64 = u64::MAX;
const _: () = assert!(size_of::<Row>() == 128 && size_of::<Head>() == 128);

impl Row {
    /// Prepares the row for a process that does not exist yet.
    pub fn reset(&self, report_at: Option<u64>) {
        self.requests.store(0, Relaxed);
        self.busy_since.store(0, Relaxed);
        self.deadline.store(0, Relaxed);
        self.gc.iter().for_each(|time| time.store(0, Relaxed));
        self.who_until.store(0, Relaxed);
        self.pid.store(0, Relaxed);
        self.set_report_at(report_at);
    }

    /// For the master: when it next wants to hear how many requests were completed. If there are more already, that is
    /// after the next one.
    pub fn set_report_at(&self, requests: Option<u64>) {
        self.report_at.store(requests.unwrap_or(NEVER), Relaxed);
    }

    /// After how many requests the worker reports to the master; None: never.
    pub fn report_at(&self) -> Option<u64> {
        Some(self.report_at.load(Relaxed)).filter(|at| *at != NEVER)
    }

    /// Nanoseconds of garbage collection within requests, and between them.
    pub fn gc(&self) -> [u64; 2] {
        [&self.gc[0], &self.gc[1]].map(|time| time.load(Relaxed))
    }

    /// For the owner: there were so many more.
    pub fn add_gc(&self, kind: Gc, nanos: u64) {
        let time = &self.gc[kind as usize];
        time.store(time.load(Relaxed) + nanos, Relaxed);
    }

    /// Requests completed.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// A request begins. `deadline` 0: it may take as long as it likes.
    pub fn begin(&self, now: u64, deadline: u64) {
        self.deadline.store(deadline, Release);
        self.busy_since.store(now, Release);
    }

    /// Moves the deadline of the current request.
    pub fn set_deadline(&self, deadline: u64) {
        self.deadline.store(deadline, Release);
    }

    /// The process whose row it is; 0: nobody's yet, or a boot mold's, which does not know its row.
    pub fn pid(&self) -> u32 {
        self.pid.load(Relaxed)
    }

    /// For the owner.
    pub fn set_pid(&self, pid: u32) {
        self.pid.store(pid, Relaxed);
    }

    /// Until when the worker is to note whose writes break the sharing, in nanoseconds of CLOCK_MONOTONIC; 0: it is not.
    pub fn who_until(&self) -> u64 {
        self.who_until.load(Relaxed)
    }

    /// For whoever wants to know. `false`: somebody else does, until later than `stale`.
    pub fn ask_who(&self, until: u64, stale: u64) -> bool {
        let now = self.who_until();
        let is_free = now == 0 || now < stale;
        is_free
            && (self
                .who_until
                .compare_exchange(now, until, Relaxed, Relaxed))
            .is_ok()
    }

    /// Takes a question back, unless it was followed by another.
    pub fn forget_who(&self, until: u64) {
        // A failure says that another question is there, which stays.
        let _ = (self.who_until).compare_exchange(until, 0, Relaxed, Relaxed);
    }

    /// The deadline of the current request; 0: none. For the owner, see [`Row::request`].
    pub fn deadline(&self) -> u64 {
        self.deadline.load(Relaxed)
    }

    /// When the current request began; 0: idle.
    pub fn busy_since(&self) -> u64 {
        self.busy_since.load(Relaxed)
    }

    /// For other processes: when the current request began, and its deadline. None: idle, or just between two requests.
    pub fn request(&self) -> Option<(u64, u64)> {
        let since = self.busy_since.load(Acquire);
        // Whoever sees the deadline of a later request also sees that this one is over.
        let deadline = self.deadline.load(Acquire);
        let still = self.busy_since.load(Relaxed);
        (since != 0 && since == still).then_some((since, deadline))
    }

    /// A request is complete. Answers the count if the master waits for it.
    pub fn complete(&self) -> Option<u64> {
        self.busy_since.store(0, Relaxed);
        self.deadline.store(0, Release);
        let requests = self.requests.load(Relaxed) + 1;
        self.requests.store(requests, Relaxed);
        let at = self.report_at.load(Relaxed);
        if requests < at {
            return None;
        }
        // Unless the master has set another one just now, which is yet to be reached.
        let taken = self.report_at.compare_exchange(at, NEVER, Relaxed, Relaxed);
        taken.ok().map(|_| requests)
    }
}

/// The mapped table. Clones share the mapping; it is inherited by fork.
#[derive(Clone)]
pub struct Scoreboard {
    map: Arc<Map>,
}

struct Map {
    start: NonNull<Table>,
    fd: OwnedFd,
}

#[repr(C)]
struct Table {
    head: Head,
    rows: [Row; ROWS],
}

// SAFETY: the table is only ever accessed through shared references to atomics.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Scoreboard {
    const BYTES: usize = size_of::<Table>();

    /// A new table, all zero.
    pub fn create() -> nix::Result<Scoreboard> {
        let fd = memfd_create("pitchfork scoreboard", MFdFlags::MFD_CLOEXEC)?;
        ftruncate(&fd, i64::try_from(Self::BYTES).expect("a few hundred KiB"))?;
        Self::attach(fd)
    }

    /// The table behind a descriptor that was inherited, or found in another process. EPROTO: it is another version's.
    pub fn attach(fd: OwnedFd) -> nix::Result<Scoreboard> {
        if usize::try_from(fstat(&fd)?.st_size) != Ok(Self::BYTES) {
            return Err(Errno::EPROTO); // what lies behind the end of a file can be mapped, but not touched
        }
        let length = std::num::NonZeroUsize::new(Self::BYTES).expect("a table has a size");
        // SAFETY: a fresh mapping of a file of that length; zeroed bytes are a valid table.
        let start = unsafe {
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
            start: start.cast(),
            fd,
        };
        Ok(Scoreboard { map: Arc::new(map) })
    }

    fn table(&self) -> &Table {
        // SAFETY: the mapping is as long and lives as long as self; atomics permit shared access.
        unsafe { self.map.start.as_ref() }
    }

    /// What is true of the whole server.
    pub fn head(&self) -> &Head {
        &self.table().head
    }

    /// Nanoseconds of garbage collection within requests, and between them, in all processes whose rows nobody else has had since.
    pub fn gc(&self) -> [u64; 2] {
        self.table().rows.iter().fold([0, 0], |sum, row| {
            let [within, between] = row.gc();
            [sum[0] + within, sum[1] + between]
        })
    }

    /// One row. `index` is the supervisor's and lies below [`ROWS`], else this panics.
    pub fn row(&self, index: u32) -> &Row {
        &self.table().rows[index as usize]
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
        let unmapped = unsafe { munmap(self.start.cast(), Scoreboard::BYTES) };
        debug_assert!(unmapped.is_ok());
    }
}

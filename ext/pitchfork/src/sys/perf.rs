//! A perf event that samples the page faults of the calling thread.
//!
//! Made by hand: of all that perf_event_open(2) can do this needs the 64 bytes that every kernel since 2.6.31 takes, and
//! four fields of the ring.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use libc::{c_int, c_ulong};
use nix::errno::Errno;
use nix::unistd::{getpid, gettid};
use pitchfork_core::who::records::{self, Fault};

use crate::sys::memory::page_size;

/// `struct perf_event_attr`, PERF_ATTR_SIZE_VER0.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
}

const SIZE: u32 = 64;
const _: () = assert!(size_of::<Attributes>() == SIZE as usize);

const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_PAGE_FAULTS: u64 = 2;
const DISABLED: u64 = 1 << 0;
/// What perf_event_paranoid 2 asks of those who are not root.
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const PERF_FLAG_FD_CLOEXEC: c_ulong = 1 << 3;

const DISABLE: u32 = 1;
const REFRESH: u32 = 2;
const PERIOD: u32 = 4;

/// Pages of the ring, besides its first one. A power of two.
const PAGES: usize = 4;

/// `struct perf_event_mmap_page`, from its 1024th byte.
#[repr(C)]
struct Ends {
    head: AtomicU64,
    tail: AtomicU64,
    offset: u64,
    size: u64,
}

const ENDS: usize = 1024;

/// The event. Not inherited by fork(2), and neither is the ring.
pub struct PageFaults {
    fd: OwnedFd,
    ring: NonNull<u8>,
    bytes: usize,
    owner: nix::unistd::Pid,
}

// SAFETY: the ring belongs to this process, not to a thread; its fields that change are atomics.
unsafe impl Send for PageFaults {}

impl PageFaults {
    /// Opens the event, which does not count yet. Every fault is to be sampled, until [`PageFaults::set_period`].
    ///
    /// # Errors
    ///
    /// EACCES: perf_event_paranoid; EPERM: seccomp, or too much locked memory; ENOSYS: a kernel without perf.
    pub fn open() -> nix::Result<Self> {
        let attributes = Attributes {
            kind: PERF_TYPE_SOFTWARE,
            size: SIZE,
            config: PERF_COUNT_SW_PAGE_FAULTS,
            period: 1,
            sample_type: records::FIELDS,
            flags: DISABLED | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
            wakeup_events: 1,
            ..Attributes::default()
        };
        let (this_thread, any_processor, no_group): (c_int, c_int, c_int) = (0, -1, -1);
        // SAFETY: the attributes are as long as they say and live until the call returns.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                this_thread,
                any_processor,
                no_group,
                PERF_FLAG_FD_CLOEXEC,
            )
        };
        let fd = c_int::try_from(Errno::result(fd)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: new, and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let bytes = (1 + PAGES) * page_size() as usize;
        // SAFETY: a fresh mapping of a descriptor that is open.
        let ring = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                fd.as_raw_fd(),
                0,
            )
        };
        if ring == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(PageFaults {
            fd,
            ring: NonNull::new(ring.cast()).ok_or(Errno::ENOMEM)?,
            bytes,
            owner: getpid(),
        })
    }

    /// Begins: each sample is announced by `signal` to this thread. Ends by itself after so many.
    pub fn start(&self, signal: c_int, samples: u32) -> nix::Result<()> {
        #[repr(C)]
        struct Owner {
            kind: c_int,
            pid: libc::pid_t,
        }
        const F_SETSIG: c_int = 10;
        const F_SETOWN_EX: c_int = 15;
        const F_OWNER_TID: c_int = 0;
        let owner = Owner {
            kind: F_OWNER_TID,
            pid: gettid().as_raw(),
        };
        let fd = self.fd.as_raw_fd();
        // SAFETY: the owner lives until the call returns; the others take numbers.
        unsafe {
            Errno::result(libc::fcntl(fd, F_SETOWN_EX, &raw const owner))?;
            Errno::result(libc::fcntl(fd, F_SETSIG, signal))?;
            Errno::result(libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC))?;
            Errno::result(libc::ioctl(fd, request(REFRESH), c_ulong::from(samples)))?;
        }
        Ok(())
    }

    /// Counts and signals no more. May be called in a signal handler. A child's copy does not stop its parent's event.
    pub fn stop(&self) {
        if getpid() != self.owner {
            return;
        }
        let before = Errno::last_raw();
        let fd = self.fd.as_raw_fd();
        // SAFETY: numbers only. Neither can fail for an event that is open.
        unsafe {
            libc::ioctl(fd, request(DISABLE), 0 as c_ulong);
            libc::fcntl(fd, libc::F_SETFL, 0);
        }
        Errno::set_raw(before);
    }

    /// From now on one fault in so many is sampled. May be called in a signal handler.
    pub fn set_period(&self, period: u64) {
        let before = Errno::last_raw();
        // SAFETY: the number lives until the call returns, which cannot fail for an event that is open.
        unsafe {
            let request = libc::_IOW::<u64>(b'$' as u32, PERIOD);
            libc::ioctl(self.fd.as_raw_fd(), request, &raw const period);
        }
        Errno::set_raw(before);
    }

    /// Takes all samples out of the ring. May be called in a signal handler, by one at a time.
    pub fn drain(&self, take: impl FnMut(Fault)) {
        // SAFETY: the kernel maintains these fields there, in a mapping that lives as long as self.
        let ends = unsafe { self.ring.add(ENDS).cast::<Ends>().as_ref() };
        let (head, tail) = (ends.head.load(Acquire), ends.tail.load(Relaxed));
        let (start, size) = (ends.offset as usize, ends.size);
        let word = |at: u64| {
            let place = start + (at % size) as usize;
            // SAFETY: within the ring, as `size` is that of its data, aligned, and written before `head` was moved.
            unsafe { self.ring.add(place).cast::<u64>().read() }
        };
        records::faults(tail, head, word, take);
        ends.tail.store(head, Release);
    }

    /// All faults that were counted, sampled or not.
    pub fn count(&self) -> nix::Result<u64> {
        let mut count = [0; 8];
        nix::unistd::read(&self.fd, &mut count)?;
        Ok(u64::from_ne_bytes(count))
    }
}

impl Drop for PageFaults {
    fn drop(&mut self) {
        if getpid() != self.owner {
            return; // a child has no ring, and whatever is there now is somebody else's
        }
        self.stop();
        // SAFETY: mapped with this length in `open`; nobody reads it any more.
        unsafe { libc::munmap(self.ring.as_ptr().cast(), self.bytes) };
    }
}

/// PERF_EVENT_IOC_*.
const fn request(number: u32) -> libc::Ioctl {
    libc::_IO(b'$' as u32, number)
}

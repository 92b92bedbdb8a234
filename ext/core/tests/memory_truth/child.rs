//! A forked process that does with its memory what it is told, and nothing else.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

use nix::errno::Errno;

/// What the child can be told. It touches one byte of each page.
#[repr(u64)]
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Reads.
    Read,
    /// Writes what is there already.
    Write,
    /// Maps new memory in place of what is there.
    Map,
    /// Maps the descriptor that is the argument, privately.
    MapFile,
    /// Unmaps.
    Unmap,
    /// Gives the pages back, and keeps the mapping.
    Discard,
    /// Makes code of it: it can be read and executed.
    Seal,
}

/// Ended when it is dropped.
pub struct Child {
    pub pid: u32,
    orders: i32,
    answers: i32,
}

type Message = [u64; 4];

impl Child {
    /// Forks. The child first writes to all pages of `own`, so that none of them is shared any more.
    pub fn fork(own: &[Range<u64>]) -> Child {
        let ([their_orders, orders], [answers, their_answers]) = (pipe(), pipe());
        // SAFETY: the child makes system calls only, which may be made after a fork even when there are other threads.
        let pid = Errno::result(unsafe { libc::fork() }).expect("fork");
        if pid == 0 {
            // SAFETY: as above.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            own.iter().for_each(|range| write(range.clone()));
            obey(their_orders, their_answers)
        }
        [their_orders, their_answers].into_iter().for_each(close);
        Child {
            pid: pid.unsigned_abs(),
            orders,
            answers,
        }
    }

    /// Has the child carry out an order on these addresses, and waits until that is done.
    pub fn order(&self, order: Order, addresses: Range<u64>, argument: u64) {
        let Range { start, end } = addresses;
        let message: Message = [order as u64, start, end, argument];
        assert!(send(self.orders, &message), "{order:?}: the child is gone");
        let mut poll = libc::pollfd {
            fd: self.answers,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd.
        let ready = unsafe { libc::poll(&raw mut poll, 1, 20_000) };
        assert_eq!(ready, 1, "{order:?}: no answer for 20 seconds");
        let mut answer = Message::default();
        assert!(receive(self.answers, &mut answer), "{order:?}: it died");
        assert_eq!(answer[0], 0, "{order:?}: errno {}", answer[0]);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let pid = i32::try_from(self.pid).expect("it came as one");
        // SAFETY: our child, not yet reaped; a null status is allowed.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        [self.orders, self.answers].into_iter().for_each(close);
    }
}

fn obey(orders: i32, answers: i32) -> ! {
    let mut message = Message::default();
    while receive(orders, &mut message) {
        let [order, start, end, argument] = message;
        Errno::clear();
        let done = carry_out(order, start..end, argument);
        let errno = if done { 0 } else { Errno::last_raw() as u64 };
        send(answers, &[errno, 0, 0, 0]);
    }
    // SAFETY: ends this process, without what the test's process would do at its end.
    unsafe { libc::_exit(0) }
}

fn carry_out(order: u64, range: Range<u64>, argument: u64) -> bool {
    const READ: u64 = Order::Read as u64;
    const WRITE: u64 = Order::Write as u64;
    const MAP: u64 = Order::Map as u64;
    const MAP_FILE: u64 = Order::MapFile as u64;
    const UNMAP: u64 = Order::Unmap as u64;
    const DISCARD: u64 = Order::Discard as u64;
    let (at, len) = (pointer(range.start), (range.end - range.start) as usize);
    match order {
        READ => read(range),
        WRITE => write(range),
        MAP => return map(range, None),
        MAP_FILE => return map(range, Some(argument as i32)),
        // SAFETY: the addresses are the test's area, where nothing but these pages is.
        UNMAP => return unsafe { libc::munmap(at, len) } == 0,
        // SAFETY: as above.
        DISCARD => return unsafe { libc::madvise(at, len, libc::MADV_DONTNEED) } == 0,
        _ => {
            // SAFETY: as above.
            let sealed = unsafe { libc::mprotect(at, len, libc::PROT_READ | libc::PROT_EXEC) };
            return sealed == 0;
        }
    }
    true
}

/// Maps memory at these addresses, in place of what is there.
pub fn map(range: Range<u64>, file: Option<i32>) -> bool {
    let anonymous = if file.is_some() {
        0
    } else {
        libc::MAP_ANONYMOUS
    };
    // SAFETY: the addresses are the test's area, which nothing else uses.
    let mapped = unsafe {
        libc::mmap(
            pointer(range.start),
            (range.end - range.start) as usize,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_FIXED | anonymous,
            file.unwrap_or(-1),
            0,
        )
    };
    mapped != libc::MAP_FAILED
}

/// Reads a byte of each page.
pub fn read(range: Range<u64>) {
    for page in pages(range) {
        // SAFETY: the page is mapped.
        unsafe { pointer(page).cast::<u8>().read_volatile() };
    }
}

/// Writes to each page the byte that is there.
pub fn write(range: Range<u64>) {
    for page in pages(range) {
        // SAFETY: the page is mapped and may be written to; an atomic operation does not disturb who else uses the byte.
        let byte = unsafe { AtomicU8::from_ptr(pointer(page).cast()) };
        // The compiler would make a read of it if it knew the number.
        byte.fetch_or(std::hint::black_box(0), Ordering::Relaxed);
    }
}

/// The addresses of its pages.
pub fn pages(range: Range<u64>) -> impl Iterator<Item = u64> {
    range.step_by(super::memory::page_size() as usize)
}

fn pointer(address: u64) -> *mut libc::c_void {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

fn pipe() -> [i32; 2] {
    let mut ends = [0; 2];
    // SAFETY: the call fills both.
    Errno::result(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }).expect("pipe2");
    ends
}

fn close(fd: i32) {
    // SAFETY: it is ours, and not used again.
    unsafe { libc::close(fd) };
}

fn send(fd: i32, message: &Message) -> bool {
    // SAFETY: the message is as long as that. Less than PIPE_BUF is written at once.
    let sent = unsafe { libc::write(fd, message.as_ptr().cast(), size_of::<Message>()) };
    usize::try_from(sent) == Ok(size_of::<Message>())
}

fn receive(fd: i32, message: &mut Message) -> bool {
    // SAFETY: the message is as long as that, and any bytes are numbers.
    let received = unsafe { libc::read(fd, message.as_mut_ptr().cast(), size_of::<Message>()) };
    usize::try_from(received) == Ok(size_of::<Message>())
}

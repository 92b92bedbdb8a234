//! Addresses that belong to the test alone, and a process in which nothing else moves.

use std::ops::Range;

use pitchfork_core::memory::{Kind, Notes, Sum, smaps};

use super::child::{self, Child, Order};
use super::memory;

/// Bytes of addresses for each purpose.
const SIZE: u64 = 2 << 30;

/// Reserves addresses. They begin at a multiple of 64 MiB and one more MiB, so that they are no arena of glibc.
pub fn reserve() -> Range<u64> {
    const ALIGNMENT: u64 = 64 << 20;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new addresses, chosen by the kernel.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            SIZE as usize,
            libc::PROT_NONE,
            flags,
            -1,
            0,
        )
    };
    assert_ne!(at, libc::MAP_FAILED, "no addresses");
    let at = at.expose_provenance() as u64;
    at.next_multiple_of(ALIGNMENT) + (1 << 20)..at + SIZE
}

/// Lets the kernel give out one page at a time. Has this process map all of each file that it has mapped, and have its own copy of
/// what it could write to: so no page of a file becomes private in a child, whatever this and other processes do.
pub fn settle() {
    // SAFETY: prctl with this option only sets a flag of the process.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    for region in smaps::parse(&maps) {
        let is_read = region.permissions.starts_with('r') && !region.is_anonymous();
        if is_read {
            let Range { start, end } = region.addresses.clone();
            let at = std::ptr::with_exposed_provenance_mut(start as usize);
            // SAFETY: populating changes no memory. A file may be shorter than its mapping: then it ends early.
            unsafe { libc::madvise(at, (end - start) as usize, libc::MADV_POPULATE_READ) };
        }
        if is_read && region.permissions == "rw-p" {
            child::write(region.addresses);
        }
    }
}

/// Forks a child that shares nothing it could write to, except the pages of `area`.
pub fn fork(area: &Range<u64>) -> Child {
    let mut own = Vec::with_capacity(1 << 16);
    // Until it finds the memory that all this takes itself: malloc takes what was mapped and given back from its heap the next time.
    for _ in 0..4 {
        let smaps = std::fs::read_to_string("/proc/self/smaps").expect("smaps");
        let writable: Vec<_> = (smaps::parse(&smaps).into_iter())
            .filter(|region| region.permissions == "rw-p" && region.rss > 0)
            .map(|region| region.addresses)
            .collect();
        let pages = memory::anonymous_pages(std::process::id()).expect("pagemap");
        own.clear();
        for page in pages.iter().cloned().flat_map(child::pages) {
            let is_writable = writable.iter().any(|region| region.contains(&page));
            if is_writable && !area.contains(&page) {
                own.push(page..page + 1);
            }
        }
    }
    let child = Child::fork(&own);
    // Once through all that the child does with its stack.
    let first = area.end - memory::page_size()..area.end;
    child.order(Order::Map, first.clone(), 0);
    child.order(Order::Write, first.clone(), 0);
    child.order(Order::Discard, first.clone(), 0);
    child.order(Order::Unmap, first, 0);
    // And once through all that this process does, should a page still be shared.
    for _ in 0..2 {
        let account = memory::account(child.pid, None);
        let rollup = memory::rollup(child.pid);
        assert!(account.is_ok() && rollup.is_ok(), "{account:?} {rollup:?}");
    }
    child
}

/// The sums of all kinds in pages, which must be what the kernel adds up itself.
pub fn account(child: &Child, notes: &Notes) -> [[i64; 5]; Kind::ALL.len()] {
    let account = memory::account(child.pid, Some(notes)).expect("the child lives");
    let rollup = memory::rollup(child.pid).expect("the child lives");
    let total = account.total();
    let ours = (total.private, total.shared, total.swap);
    assert_eq!(ours, (rollup.private(), rollup.shared(), rollup.swap));
    assert_eq!(total.private, total.unshared + total.fresh);
    let pages = |bytes: u64| i64::try_from(bytes / memory::page_size()).expect("few");
    Kind::ALL.map(|kind| {
        let Sum {
            private,
            unshared,
            fresh,
            shared,
            swap,
        } = account.of(kind);
        [private, unshared, fresh, shared, swap].map(pages)
    })
}

/// Gives the addresses back.
pub fn release(area: &Range<u64>) {
    let at = std::ptr::with_exposed_provenance_mut(area.start as usize);
    // SAFETY: nobody uses them any more.
    unsafe { libc::munmap(at, (area.end - area.start) as usize) };
}

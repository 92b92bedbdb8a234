//! /proc/PID/pagemap, read in pieces or searched by the kernel.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use pitchfork_core::memory::account::BLOCK;
use pitchfork_core::memory::{Entry, Ranges};

/// An open pagemap.
pub struct Pagemap(pub File);

/// `struct page_region` of linux/fs.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg` of linux/fs.h.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

impl Pagemap {
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const ZERO: u64 = 1 << 5;

    /// Calls with what is said about the pages of this range, in pieces that meet where a [`BLOCK`] begins, each with the
    /// address where it begins.
    ///
    /// A read holds the mmap lock of the process for as many pages as fit into two megabytes at most (`PAGEMAP_WALK_SIZE`).
    pub fn each_piece(
        &self,
        range: Range<u64>,
        mut call: impl FnMut(u64, &mut [Entry]),
    ) -> nix::Result<()> {
        /// Bytes of addresses: 256 KiB of the file.
        const PIECE: u64 = 128 << 20;
        let page = super::page_size();
        let (mut bytes, mut entries) = (Vec::new(), Vec::new());
        let mut from = range.start;
        while from < range.end {
            let to = range.end.min((from + PIECE) / BLOCK * BLOCK);
            let pages = usize::try_from((to - from) / page).unwrap_or(usize::MAX);
            bytes.resize(pages * Entry::SIZE, 0);
            let place = from / page * Entry::SIZE as u64;
            // It ends early when the process does.
            (self.0.read_exact_at(&mut bytes, place))
                .map_err(|error| error.raw_os_error().map_or(Errno::ESRCH, Errno::from_raw))?;
            entries.clear();
            entries.extend(
                bytes
                    .chunks_exact(Entry::SIZE)
                    .filter_map(|eight| eight.try_into().ok().map(Entry::from_bytes)),
            );
            call(from, &mut entries);
            from = to;
        }
        Ok(())
    }

    /// Where there are pages, in memory or in the swap. ENOTTY before Linux 6.7.
    pub fn populated(&self, range: &Range<u64>) -> nix::Result<Ranges> {
        self.scan(range, Self::PRESENT | Self::SWAPPED)
    }

    /// Where the kernel's page of zeros is mapped: it stands for what was read and never written. ENOTTY before Linux 6.7.
    pub fn zeros(&self, range: &Range<u64>) -> nix::Result<Ranges> {
        self.scan(range, Self::ZERO)
    }

    /// Where there are pages of any of these categories, ioctl_pagemap_scan(2).
    fn scan(&self, range: &Range<u64>, categories: u64) -> nix::Result<Ranges> {
        const PAGEMAP_SCAN: libc::Ioctl = libc::_IOWR::<Scan>(b'f' as u32, 16);
        let mut found = [PageRegion::default(); 256];
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut scan = Scan {
            size: size_of::<Scan>() as u64,
            start: range.start,
            end: range.end,
            vec: found.as_mut_ptr().expose_provenance() as u64,
            vec_len: found.len() as u64,
            category_anyof_mask: categories,
            return_mask: categories,
            ..Scan::default()
        };
        while scan.start < scan.end {
            // SAFETY: the kernel reads and writes a Scan, whose size is in it, and writes at most vec_len regions into the
            // array at vec, which nothing else refers to meanwhile.
            let count = unsafe { libc::ioctl(self.0.as_raw_fd(), PAGEMAP_SCAN, &raw mut scan) };
            let count = Errno::result(count)?.unsigned_abs() as usize;
            ranges.extend(found[..count].iter().map(|region| region.start..region.end));
            scan.start = scan.walk_end;
        }
        Ok(ranges.into_iter().collect())
    }
}

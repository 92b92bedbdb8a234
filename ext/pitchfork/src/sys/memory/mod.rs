//! Reading the memory of a process: its own, or one of the same user. Others' are root's only, and so are those of a process
//! that has changed its user ([`be_dumpable`](super::process::be_dumpable)): EACCES. A process that is gone is ENOENT, or
//! ESRCH if it ends while it is being read.
//!
//! What it costs is nearly all the kernel's walk over the page tables, so it grows with the memory that is there. For each 100 MiB
//! of a process on a quiet machine: [`rollup`] 0.5 ms, [`account`] and [`anonymous_pages`] 1 ms, and 0.1 ms more for each thousand
//! mappings. With other work on all processors it was six times as much (measured in processor time, 560 MiB, Linux 6.18). The
//! process itself goes on meanwhile, unless it maps or unmaps memory: then it may wait for a piece of the walk, 2 to 3 ms at most.

mod pagemap;

use std::fs::{File, read};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use nix::errno::Errno;
use pitchfork_core::memory::kind::{Nature, natures};
use pitchfork_core::memory::{Account, Accountant, Entry, Notes, Ranges, Region, Rollup, smaps};

use self::pagemap::Pagemap;

/// The name of the memfd with a mold's notes.
pub const NOTES: &str = "pitchfork notes";

/// The sums over all mappings.
pub fn rollup(pid: u32) -> nix::Result<Rollup> {
    let text = read(format!("/proc/{pid}/smaps_rollup")).map_err(errno)?;
    // Of a process without memory, a zombie, there is no text.
    Rollup::parse(&String::from_utf8_lossy(&text)).ok_or(Errno::ESRCH)
}

/// All pages by what they are used for.
pub fn account(pid: u32, notes: Option<&Notes>) -> nix::Result<Account> {
    let process = Process::open(pid)?;
    let page = page_size();
    let mut accountant = Accountant::new(page, notes);
    process.each_region(|region, nature| {
        let before = accountant.clone();
        let mut present = 0;
        process.each_piece(region, |address, entries| {
            present += entries.iter().filter(|entry| entry.is_present()).count() as u64;
            accountant.add(nature, address, entries);
        })?;
        // Where more is present than counts as memory, pages of zeros are among it.
        if present * page <= region.rss {
            return Ok(());
        }
        let Ok(zeros) = process.pagemap.zeros(&region.addresses) else {
            return Ok(());
        };
        accountant = before;
        let mut zeros = zeros.cursor();
        process.each_piece(region, |address, entries| {
            for (entry, index) in entries.iter_mut().zip(0..) {
                if zeros.holds(address + page * index) {
                    *entry = Entry::NOTHING;
                }
            }
            accountant.add(nature, address, entries);
        })
    })?;
    Ok(accountant.account())
}

/// The anonymous pages that a process has, in memory or in the swap: what its children share with it after a fork.
pub fn anonymous_pages(pid: u32) -> nix::Result<Ranges> {
    let process = Process::open(pid)?;
    let page = page_size();
    let mut pages: Vec<Range<u64>> = Vec::new();
    process.each_region(|region, _nature| {
        process.each_piece(region, |address, entries| {
            for (entry, index) in entries.iter().zip(0..) {
                let start = address + page * index;
                match pages.last_mut() {
                    _ if !entry.is_anonymous() => {}
                    Some(last) if last.end == start => last.end += page,
                    _ => pages.push(start..start + page),
                }
            }
        })
    })?;
    Ok(pages.into_iter().collect())
}

/// The text of the notes that a process has from its mold, or has written itself. `None`: it has none.
pub fn notes(pid: u32) -> nix::Result<Option<Vec<u8>>> {
    let link = format!("/memfd:{NOTES} (deleted)");
    for descriptor in Path::new(&format!("/proc/{pid}/fd"))
        .read_dir()
        .map_err(errno)?
    {
        let path = descriptor.map_err(errno)?.path();
        // It may have been closed meanwhile.
        if path
            .read_link()
            .is_ok_and(|target| target == Path::new(&link))
        {
            return read(path).map(Some).map_err(errno);
        }
    }
    Ok(None)
}

/// A process whose pages are read.
struct Process {
    smaps: String,
    pagemap: Pagemap,
}

impl Process {
    fn open(pid: u32) -> nix::Result<Process> {
        // Both before anything is read: an open file stays with the memory of this process, if its pid is used again.
        let open = |name| File::open(format!("/proc/{pid}/{name}")).map_err(errno);
        let (mut smaps, pagemap) = (open("smaps")?, open("pagemap")?);
        let mut text = Vec::new();
        smaps.read_to_end(&mut text).map_err(errno)?;
        if text.is_empty() {
            return Err(Errno::ESRCH);
        }
        // A path may be in any encoding.
        Ok(Process {
            smaps: String::from_utf8_lossy(&text).into_owned(),
            pagemap: Pagemap(pagemap),
        })
    }

    /// Calls with each mapping that has pages, and with what is to be thought of them.
    fn each_region(
        &self,
        mut call: impl FnMut(&Region, Nature) -> nix::Result<()>,
    ) -> nix::Result<()> {
        let regions = smaps::parse(&self.smaps);
        let natures = natures(&regions);
        (regions.iter().zip(natures))
            .filter(|(region, _)| region.rss + region.swap > 0)
            .try_for_each(|(region, nature)| call(region, nature))
    }

    /// Calls with the pages of a mapping, piece by piece, each with the address where it begins.
    fn each_piece(
        &self,
        region: &Region,
        mut call: impl FnMut(u64, &mut [Entry]),
    ) -> nix::Result<()> {
        /// Reading 4 MiB of a pagemap for nothing is dearer than asking first.
        const SPARSE: u64 = 32;
        let all = || Ranges::from_iter([region.addresses.clone()]);
        let ranges = if (region.rss + region.swap) * SPARSE < region.size() {
            (self.pagemap.populated(&region.addresses)).unwrap_or_else(|_| all())
        } else {
            all()
        };
        (ranges.iter()).try_for_each(|range| self.pagemap.each_piece(range.clone(), &mut call))
    }
}

/// In bytes.
pub fn page_size() -> u64 {
    // SAFETY: sysconf only answers a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

//! What a mold says about its memory, where its workers carry it along and everybody of the same user can read it: in a sealed
//! memfd that is inherited by fork. `/proc/PID/fd` shows it as `/memfd:pitchfork notes (deleted)`.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::Range;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use pitchfork_core::memory::{Entry, Ranges, smaps};

use super::memory::{NOTES, page_size};

/// What the descriptor of the notes is, or was before somebody closed it; -1: there are none. Whoever is forked inherits both.
static PUBLISHED: AtomicI32 = AtomicI32::new(-1);

/// Publishes notes in place of those that this process has inherited, under the same number.
pub fn publish(notes: &impl Display) -> io::Result<()> {
    let file = File::from(memfd_create(
        NOTES,
        MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING,
    )?);
    let mut writer = BufWriter::with_capacity(4096, &file);
    write!(writer, "{notes}")?;
    writer.flush()?;
    drop(writer);
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_WRITE))?;
    let inherited = PUBLISHED.load(Relaxed);
    if is_ours(inherited) {
        // SAFETY: puts a copy of our file in the place of another one of ours.
        Errno::result(unsafe { libc::dup3(file.as_raw_fd(), inherited, libc::O_CLOEXEC) })?;
    } else {
        PUBLISHED.store(file.into_raw_fd(), Relaxed);
    }
    Ok(())
}

/// The app may have closed what it did not know, and the number may be another file's by now.
fn is_ours(fd: RawFd) -> bool {
    let link = fs::read_link(format!("/proc/self/fd/{fd}"));
    fd >= 0 && link.is_ok_and(|link| link.to_string_lossy().contains(NOTES))
}

/// The anonymous pages of this process that fork will copy on write, those in the swap among them: what
/// [`super::memory::anonymous_pages`] finds for any process, with next to no memory of its own. This process is prepared, and
/// what it allocates now its workers inherit.
pub fn anonymous_pages() -> io::Result<Ranges> {
    let pagemap = File::open("/proc/self/pagemap")?;
    let mut scan = Scan {
        pagemap,
        page: page_size(),
        left: Scan::MOST,
        found: Vec::new(),
    };
    let mut maps = BufReader::with_capacity(4096, File::open("/proc/self/maps")?);
    let mut line = String::new();
    while maps.read_line(&mut line)? > 0 {
        for region in smaps::parse(&line) {
            if region.permissions.ends_with('p') && !region.is_reserved() {
                scan.region(region.addresses)?;
            }
        }
        line.clear();
    }
    Ok(scan.found.into_iter().collect())
}

struct Scan {
    pagemap: File,
    page: u64,
    left: u64,
    found: Vec<Range<u64>>,
}

impl Scan {
    /// A library may map any number of addresses that it never uses. So many pages are looked at; 16 GiB, within 0.1 s or so.
    const MOST: u64 = 4 << 20;
    /// Pages asked about at once.
    const STEP: usize = 512;

    fn region(&mut self, addresses: Range<u64>) -> io::Result<()> {
        let pages = addresses.start / self.page..addresses.end / self.page;
        let Some(left) = self.left.checked_sub(pages.end - pages.start) else {
            return Ok(());
        };
        self.left = left;
        let mut bytes = [0; Self::STEP * Entry::SIZE];
        let mut first = pages.start;
        while first < pages.end {
            let count = Self::STEP.min(usize::try_from(pages.end - first).unwrap_or(Self::STEP));
            let bytes = &mut bytes[..count * Entry::SIZE];
            let read = self.pagemap.read_at(bytes, first * Entry::SIZE as u64)?;
            // The kernel says nothing about what is not the process's own, such as [vsyscall].
            if read == 0 {
                break;
            }
            for word in bytes[..read].chunks_exact(Entry::SIZE) {
                let entry = Entry::from_bytes(word.try_into().expect("so many bytes"));
                if entry.is_anonymous() {
                    self.found(first);
                }
                first += 1;
            }
        }
        Ok(())
    }

    fn found(&mut self, number: u64) {
        let (from, to) = (number * self.page, (number + 1) * self.page);
        match self.found.last_mut() {
            Some(last) if last.end == from => last.end = to,
            _ => self.found.push(from..to),
        }
    }
}

//! How many more workers there is memory for.

use std::fs::read_to_string;
use std::path::Path;

use pitchfork_core::cgroup::{Group, Version};
use pitchfork_core::memory::rollup::anonymous;
use pitchfork_core::policy::Headroom;

use crate::sys::memory;

/// This process's memory control group, if there is one. To find it takes two files of /proc, one of which has a line for each
/// mount of the machine; nobody moves a server to another group while it replaces its workers.
pub struct OwnGroup(Option<Group>);

impl OwnGroup {
    /// The one it is in now.
    pub fn find() -> OwnGroup {
        let [cgroup, mounts] = ["/proc/self/cgroup", "/proc/self/mountinfo"].map(read_to_string);
        OwnGroup((cgroup.ok().zip(mounts.ok())).and_then(|(own, all)| Group::find(&own, &all)))
    }

    /// How many more of these workers fit into the memory that it, and each group around it, may use now. `None`: no limit is
    /// known, or no worker.
    ///
    /// Reading a worker's private memory takes its mmap lock for some milliseconds, 20 ns a page. So only the largest is read,
    /// and nothing at all where there is no limit.
    pub fn room(&self, workers: &[u32]) -> Option<u32> {
        let group = self.0.as_ref()?;
        let limits: Vec<Headroom> = (group.directories())
            .filter_map(|directory| headroom(group.version, directory))
            .collect();
        if limits.is_empty() {
            return None;
        }
        let worker = largest(workers)?;
        limits.into_iter().map(|limit| limit.fits(worker)).min()
    }
}

/// The root has no such files.
fn headroom(version: Version, directory: &Path) -> Option<Headroom> {
    let [limit, usage, stat] = version.files();
    let read = |file| read_to_string(directory.join(file)).ok();
    version.headroom([&read(limit)?, &read(usage)?, &read(stat)?])
}

/// How much memory a process has, its own and what it shares with those it was forked with, in bytes.
pub fn size(pid: u32) -> Option<u64> {
    anonymous(&read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// What the largest of these processes has for itself; or may have, where we must not know that of another user's process.
fn largest(pids: &[u32]) -> Option<u64> {
    let sized = |pid: u32| Some((size(pid)?, pid));
    let (most, pid) = pids.iter().filter_map(|pid| sized(*pid)).max()?;
    let own = memory::rollup(pid).ok().map(|rollup| rollup.private());
    Some(own.unwrap_or(most))
}

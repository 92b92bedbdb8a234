//! What the kernel writes about memory limits: which control group a process is in, and what that may use (cgroups(7)).

use std::path::{Component, Path, PathBuf};

use crate::memory::number;
use crate::policy::Headroom;

/// The two kinds of control groups. Where both are mounted, one of them has the memory controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy for each controller.
    V1,
    /// One hierarchy.
    V2,
}

/// Where the memory controller's files about a process are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How they are to be read.
    pub version: Version,
    mount: PathBuf,
    directory: PathBuf,
}

impl Group {
    /// From the texts of /proc/self/cgroup and /proc/self/mountinfo.
    pub fn find(cgroup: &str, mounts: &str) -> Option<Group> {
        let memberships = cgroup.lines().filter_map(|line| {
            let (_number, rest) = line.split_once(':')?;
            rest.split_once(':')
        });
        let v1 =
            (memberships.clone()).find(|(list, _)| list.split(',').any(|name| name == "memory"));
        let v2 = || memberships.clone().find(|(list, _)| list.is_empty());
        let (version, path) = match v1 {
            Some((_, path)) => (Version::V1, path),
            None => (Version::V2, v2()?.1),
        };
        let mounts = mounts.lines().filter_map(|line| version.mount(line));
        let inside = |(root, mount)| Some((mount, below(root, path)?));
        // A container may see a part of the hierarchy only, but its paths from the very root: then that part is its own.
        let (mount, path) = (mounts.clone().find_map(inside))
            .or_else(|| Some((mounts.clone().next()?.1, Path::new(""))))?;
        Some(Group {
            version,
            mount: mount.into(),
            directory: Path::new(mount).join(path),
        })
    }

    /// Its directory, and those of the groups around it: the tightest limit of all of them counts.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        (self.directory.ancestors()).take_while(|directory| directory.starts_with(&self.mount))
    }
}

/// A group's path from the root of a mount.
fn below<'p>(root: &str, path: &'p str) -> Option<&'p Path> {
    let path = Path::new(path).strip_prefix(root).ok()?;
    // A namespace names what is outside of it so.
    let outside = path.components().any(|part| part == Component::ParentDir);
    (!outside).then_some(path)
}

impl Version {
    /// "No limit" is the greatest number of whole pages.
    const NO_LIMIT: u64 = 1 << 60;

    /// The files with the limit, the usage and the statistics.
    pub fn files(self) -> [&'static str; 3] {
        match self {
            Version::V1 => [
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "memory.stat",
            ],
            Version::V2 => ["memory.max", "memory.current", "memory.stat"],
        }
    }

    /// From the texts of these files. `None`: there is no limit.
    pub fn headroom(self, [limit, usage, stat]: [&str; 3]) -> Option<Headroom> {
        // "max" is no number.
        let limit = limit.trim().parse().ok()?;
        let usage: u64 = usage.trim().parse().ok()?;
        let cache = number(
            stat,
            match self {
                Version::V1 => "total_inactive_file",
                Version::V2 => "inactive_file",
            },
        );
        (limit < Self::NO_LIMIT).then_some(Headroom {
            limit,
            used: usage.saturating_sub(cache.unwrap_or(0)),
        })
    }

    /// The root and the mount point, if this line of mountinfo is about the memory controller.
    fn mount(self, line: &str) -> Option<(&str, &str)> {
        let (place, filesystem) = line.split_once(" - ")?;
        let mut filesystem = filesystem.split(' ');
        let (kind, _source, options) = (filesystem.next()?, filesystem.next()?, filesystem.next()?);
        let is_ours = match self {
            Version::V1 => kind == "cgroup" && options.split(',').any(|option| option == "memory"),
            Version::V2 => kind == "cgroup2",
        };
        let mut place = place.split(' ').skip(3);
        let place = (place.next()?, place.next()?);
        is_ours.then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
9:name=systemd:/
4:memory:/jobs/8ce1
3:cpuset:/
0::/
";
    const HYBRID_MOUNTS: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:14 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const UNIFIED_MOUNT: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    fn directories(cgroup: &str, mounts: &str) -> (Version, Vec<PathBuf>) {
        let group = Group::find(cgroup, mounts).expect("there is one");
        let directories = group.directories().map(Path::to_path_buf).collect();
        (group.version, directories)
    }

    fn paths<const N: usize>(paths: [&str; N]) -> Vec<PathBuf> {
        paths.map(PathBuf::from).to_vec()
    }

    #[test]
    fn hybrid() {
        let (version, directories) = directories(HYBRID, HYBRID_MOUNTS);
        assert_eq!(version, Version::V1);
        let expected = paths([
            "/sys/fs/cgroup/memory/jobs/8ce1",
            "/sys/fs/cgroup/memory/jobs",
            "/sys/fs/cgroup/memory",
        ]);
        assert_eq!(directories, expected);
    }

    #[test]
    fn several_controllers_in_one_hierarchy() {
        let mounts = "35 31 0:32 / /cg rw - cgroup cgroup rw,cpu,memory\n";
        let (version, directories) = directories("4:cpu,memory:/a\n", mounts);
        assert_eq!(
            (version, directories),
            (Version::V1, paths(["/cg/a", "/cg"]))
        );
    }

    #[test]
    fn unified() {
        let (version, directories) = directories("0::/system.slice/app.service\n", UNIFIED_MOUNT);
        assert_eq!(version, Version::V2);
        let expected = paths([
            "/sys/fs/cgroup/system.slice/app.service",
            "/sys/fs/cgroup/system.slice",
            "/sys/fs/cgroup",
        ]);
        assert_eq!(directories, expected);
    }

    #[test]
    fn a_container_sees_itself_as_the_root() {
        let expected = (Version::V2, paths(["/sys/fs/cgroup"]));
        assert_eq!(directories("0::/\n", UNIFIED_MOUNT), expected);
        // Moved out of its own namespace.
        assert_eq!(directories("0::/../other\n", UNIFIED_MOUNT), expected);
        // Without a namespace: the path is the host's, and what is mounted is a part of it, or not even that.
        for root in ["/docker/1f2e", "/elsewhere"] {
            let mount = UNIFIED_MOUNT.replace("0:26 / ", &format!("0:26 {root} "));
            assert_eq!(directories("0::/docker/1f2e\n", &mount), expected);
        }
    }

    #[test]
    fn no_control_groups() {
        assert_eq!(Group::find("", HYBRID_MOUNTS), None);
        assert_eq!(Group::find(HYBRID, ""), None);
        assert_eq!(Group::find("garbage\n", "more garbage\n"), None);
        // Mounted, but without the memory controller.
        assert_eq!(Group::find("4:memory:/a\n", UNIFIED_MOUNT), None);
    }

    #[test]
    fn limits() {
        let stat = "anon 1\nfile 900\ninactive_file 100\nactive_file 800\n";
        let headroom = |limit| Version::V2.headroom([limit, "400\n", stat]);
        let expected = Headroom {
            limit: 1000,
            used: 300,
        };
        assert_eq!(headroom("1000\n"), Some(expected));
        assert_eq!(headroom("max\n"), None);

        let stat = "inactive_file 7\ntotal_inactive_file 100\n";
        let headroom = |limit| Version::V1.headroom([limit, "400\n", stat]);
        assert_eq!(headroom("1000\n"), Some(expected));
        assert_eq!(headroom("9223372036854771712\n"), None);
    }

    #[test]
    fn more_cache_than_usage() {
        let headroom = Version::V2.headroom(["10", "4", "inactive_file 8"]);
        assert_eq!(headroom, Some(Headroom { limit: 10, used: 0 }));
    }
}

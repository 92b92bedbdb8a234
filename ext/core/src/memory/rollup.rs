//! The memory of a process in a few numbers.

use super::number;

/// The sums over all mappings of a process, in bytes, as /proc/PID/smaps_rollup has them (proc_pid_smaps(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// In memory, whoever else has it: the sum of private and shared.
    pub rss: u64,
    /// The private pages, and of each shared one the part that is left when all who map it divide it.
    pub pss: u64,
    /// Mapped by this process only, and as the file on the disk has it.
    pub private_clean: u64,
    /// Mapped by this process only, and written to.
    pub private_dirty: u64,
    /// Mapped by others, too, and as the file on the disk has it.
    pub shared_clean: u64,
    /// Mapped by others, too, and written to: what copy-on-write has kept shared so far.
    pub shared_dirty: u64,
    /// No file's, private or shared.
    pub anonymous: u64,
    /// In the swap, whoever else has it.
    pub swap: u64,
    /// What is left of that when all who have a page of it divide it.
    pub swap_pss: u64,
}

impl Rollup {
    /// From the text of smaps_rollup. `None`: it is none.
    pub fn parse(text: &str) -> Option<Rollup> {
        let bytes = |name| Some(number(text, name)? * 1024);
        Some(Rollup {
            rss: bytes("Rss:")?,
            pss: bytes("Pss:")?,
            private_clean: bytes("Private_Clean:")?,
            private_dirty: bytes("Private_Dirty:")?,
            shared_clean: bytes("Shared_Clean:")?,
            shared_dirty: bytes("Shared_Dirty:")?,
            anonymous: bytes("Anonymous:")?,
            // A kernel may be built without swap.
            swap: bytes("Swap:").unwrap_or(0),
            swap_pss: bytes("SwapPss:").unwrap_or(0),
        })
    }

    /// What this process shares with nobody.
    pub fn private(&self) -> u64 {
        self.private_clean + self.private_dirty
    }

    /// What others have mapped, too.
    pub fn shared(&self) -> u64 {
        self.shared_clean + self.shared_dirty
    }
}

/// Bytes of a process that are no file's, whether shared with others or not, from /proc/PID/status, which everybody may read.
pub fn anonymous(status: &str) -> Option<u64> {
    Some(number(status, "RssAnon:")? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLUP: &str = "\
5588544b9000-7ffe892c3000 ---p 00000000 00:00 0                          [rollup]
Rss:                1640 kB
Pss:                 300 kB
Pss_Dirty:           112 kB
Shared_Clean:       1460 kB
Shared_Dirty:         20 kB
Private_Clean:        48 kB
Private_Dirty:       112 kB
Anonymous:           120 kB
Swap:                  8 kB
SwapPss:               4 kB
";

    #[test]
    fn sums() {
        let rollup = Rollup::parse(ROLLUP).expect("it is whole");
        assert_eq!(rollup.private(), 160 * 1024);
        assert_eq!(rollup.shared(), 1480 * 1024);
        assert_eq!(rollup.private() + rollup.shared(), rollup.rss);
        assert_eq!((rollup.pss, rollup.anonymous), (300 * 1024, 120 * 1024));
        assert_eq!((rollup.swap, rollup.swap_pss), (8 * 1024, 4 * 1024));
    }

    #[test]
    fn incomplete() {
        assert_eq!(Rollup::parse(""), None);
        for field in ["Pss:", "Private_Clean:", "Shared_Dirty:", "Anonymous:"] {
            assert_eq!(Rollup::parse(&ROLLUP.replace(field, "X:")), None, "{field}");
        }
        let without_swap = ROLLUP.replace("Swap", "X");
        assert_eq!(Rollup::parse(&without_swap).map(|r| r.swap), Some(0));
    }

    #[test]
    fn status() {
        let status =
            "Name:\truby\nVmRSS:\t    9000 kB\nRssAnon:\t    4000 kB\nRssFile:\t    5000 kB\n";
        assert_eq!(anonymous(status), Some(4000 * 1024));
        // A kernel thread, or a zombie.
        assert_eq!(anonymous("Name:\tkthreadd\n"), None);
    }
}

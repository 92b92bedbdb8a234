//! The mappings of a process: /proc/PID/smaps, or the lines of it that /proc/PID/maps has, too (proc_pid_smaps(5)).

use std::ops::Range;

/// One mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region<'t> {
    /// Its addresses.
    pub addresses: Range<u64>,
    /// `rwxp`, or a dash or an `s` in their places (`s`: writes are seen by others).
    pub permissions: &'t str,
    /// Of the file it is a part of; 0: no file.
    pub inode: u64,
    /// The file's path, or a name in brackets, or nothing.
    pub name: &'t str,
    /// Bytes in memory. The kernel's one page of zeros, which stands for all that was read and never written, is not among them.
    pub rss: u64,
    /// Bytes in the swap.
    pub swap: u64,
    /// Two letters for each flag of the mapping, with blanks between (`VmFlags` in Documentation/filesystems/proc.rst).
    pub flags: &'t str,
}

impl Region<'_> {
    /// How many bytes of addresses.
    pub fn size(&self) -> u64 {
        self.addresses.end - self.addresses.start
    }

    /// Whether no file is behind it.
    pub fn is_anonymous(&self) -> bool {
        self.inode == 0
    }

    /// Whether it may be executed.
    pub fn is_executable(&self) -> bool {
        self.permissions.contains('x')
    }

    /// Whether it may be written to.
    pub fn is_writable(&self) -> bool {
        self.permissions.contains('w')
    }

    /// Whether it only holds a place: nothing may be read, written or executed.
    pub fn is_reserved(&self) -> bool {
        self.permissions.starts_with("---")
    }

    /// Whether the mapping has this flag.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.split(' ').any(|other| other == flag)
    }
}

/// The mappings in the order of their addresses. Of what newer kernels say, only what is known here is read.
pub fn parse(text: &str) -> Vec<Region<'_>> {
    let mut regions: Vec<Region> = Vec::new();
    for line in text.lines() {
        if let Some(region) = header(line) {
            regions.push(region);
        } else if let (Some(region), Some((field, value))) =
            (regions.last_mut(), line.split_once(':'))
        {
            match field {
                "Rss" => region.rss = kilobytes(value),
                "Swap" => region.swap = kilobytes(value),
                "VmFlags" => region.flags = value.trim(),
                _ => {}
            }
        }
    }
    regions
}

/// `55aadfc54000-55aadfc55000 r--p 00002000 fe:00 2170421     /usr/bin/ruby3.3`
fn header(line: &str) -> Option<Region<'_>> {
    let mut words = line.splitn(6, ' ');
    let (from, to) = words.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let addresses = address(from)?..address(to)?;
    let (permissions, _offset, _device) = (words.next()?, words.next()?, words.next()?);
    Some(Region {
        addresses,
        permissions,
        inode: words.next()?.parse().ok()?,
        name: words.next().unwrap_or("").trim_start(),
        ..Region::default()
    })
}

fn kilobytes(value: &str) -> u64 {
    let number = value.trim_start().trim_end_matches(" kB");
    number.parse().map_or(0, |kilobytes: u64| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
55aadfc54000-55aadfc56000 r--p 00002000 fe:00 2170421                    /srv/a b: c/ruby (deleted)
Size:                  8 kB
Rss:                   4 kB
Anonymous:             4 kB
Swap:                  8 kB
SwapPss:               4 kB
THPeligible:           0
ProtectionKey:         0
VmFlags: rd mr mw me ac sd 
7fa7a4b02000-7fa7a4b4d000 rwxp 00000000 00:00 0 
Rss:                 304 kB
VmFlags: rd wr ex mr mw me nr
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

    #[test]
    fn smaps() {
        let regions = parse(SMAPS);
        let [file, code, vsyscall] = &regions[..] else {
            panic!("three, not {regions:?}")
        };
        assert_eq!(file.addresses, 0x55aa_dfc5_4000..0x55aa_dfc5_6000);
        assert_eq!(file.name, "/srv/a b: c/ruby (deleted)");
        assert_eq!((file.inode, file.rss, file.swap), (2_170_421, 4096, 8192));
        assert!(file.has("ac") && file.has("sd") && !file.has("nr") && !file.is_anonymous());
        assert!(!file.is_writable() && !file.is_reserved());

        assert_eq!(
            (code.size(), code.rss, code.name),
            (0x4b000, 304 * 1024, "")
        );
        assert!(code.is_anonymous() && code.is_executable() && code.is_writable());
        assert!(code.has("nr") && !code.has(""));
        assert_eq!((vsyscall.name, vsyscall.rss), ("[vsyscall]", 0));
    }

    #[test]
    fn maps() {
        let text: String = (SMAPS.split_inclusive('\n'))
            .filter(|line| line.contains("p 0"))
            .collect();
        let headers = parse(&text);
        assert_eq!(headers.len(), 3);
        for (header, region) in headers.iter().zip(parse(SMAPS)) {
            assert_eq!(header.addresses, region.addresses);
            assert_eq!(header.name, region.name);
        }
    }

    #[test]
    fn anything_else() {
        assert_eq!(parse(""), []);
        assert_eq!(parse("Rss: 4 kB\nbad-cafe\nx-y r--p 0 0 0\n"), []);
    }
}

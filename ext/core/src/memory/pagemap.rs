//! What /proc/PID/pagemap says about each page (Documentation/admin-guide/mm/pagemap.rst in the kernel).

/// Eight bytes about one page. Without CAP_SYS_ADMIN the page's frame number reads as zero; the bits below do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry(u64);

impl Entry {
    /// No page.
    pub const NOTHING: Entry = Entry(0);

    /// How many bytes of the file are about one page.
    pub const SIZE: usize = size_of::<u64>();

    /// "page exclusively mapped (since 4.2)". Of a page in the swap the kernel does not say it.
    const EXCLUSIVE: u64 = 1 << 56;
    /// "pte is a guard region (since 6.15)", madvise(2) with MADV_GUARD_INSTALL. Such a pte has the bit for the swap, too.
    const GUARD: u64 = 1 << 58;
    /// "page is file-page or shared-anon (since 3.5)". A file's page that was written to in a private mapping is neither.
    const FILE: u64 = 1 << 61;
    /// "page swapped"
    const SWAPPED: u64 = 1 << 62;
    /// "page present"
    const PRESENT: u64 = 1 << 63;

    /// From the file's bytes, which are in the order of the machine.
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Entry {
        Entry(u64::from_ne_bytes(bytes))
    }

    /// Whether the page is in memory and nobody else has it mapped.
    pub fn is_private(self) -> bool {
        self.is_present() && self.has(Self::EXCLUSIVE)
    }

    /// Whether the page is in memory.
    pub fn is_present(self) -> bool {
        self.has(Self::PRESENT)
    }

    /// Whether the page was moved out of memory.
    pub fn is_swapped(self) -> bool {
        !self.is_present() && self.has(Self::SWAPPED) && !self.has(Self::GUARD)
    }

    /// Whether there is a page here that fork copies on write: in memory or in the swap, and no file's.
    pub fn is_anonymous(self) -> bool {
        (self.is_present() || self.is_swapped()) && !self.has(Self::FILE)
    }

    fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bits: &[u32]) -> Entry {
        let bits = bits.iter().fold(0_u64, |all, bit| all | 1 << bit);
        Entry::from_bytes(bits.to_ne_bytes())
    }

    #[test]
    fn pages() {
        let private = entry(&[63, 56]);
        assert!(private.is_private() && private.is_present() && private.is_anonymous());
        let shared = entry(&[63]);
        assert!(!shared.is_private() && shared.is_present() && shared.is_anonymous());
        let file = entry(&[63, 61, 56]);
        assert!(file.is_private() && !file.is_anonymous());
        let swapped = entry(&[62]);
        assert!(swapped.is_swapped() && !swapped.is_present() && swapped.is_anonymous());
    }

    #[test]
    fn no_pages() {
        for nothing in [entry(&[]), entry(&[56]), entry(&[62, 58]), entry(&[55])] {
            assert!(!nothing.is_present() && !nothing.is_swapped() && !nothing.is_private());
            assert!(!nothing.is_anonymous());
        }
    }
}

//! What memory is used for, as far as a mapping tells.
//!
//! Exact: files, `[heap]`, `[stack]`, what is executable, and what Ruby (3.4 and newer), glibc or jemalloc have named, where
//! the kernel has names for anonymous memory (CONFIG_ANON_VMA_NAME). A guess, by habits of glibc, jemalloc and Ruby:
//!
//! * no swap reserved (flag `nr`): an allocator's. glibc maps its arenas and jemalloc its extents with MAP_NORESERVE, and Ruby
//!   nothing, except where `vm.overcommit_memory` is 2;
//! * a 64 MiB aligned start and the rest of the 64 MiB reserved: an arena of glibc;
//! * no huge pages (flag `nh`): the stack of a thread or a fiber, since MAP_STACK means this (Linux 6.7); before, and in any
//!   case, what lies above a single inaccessible page;
//! * in what is left, a 64 KiB aligned block with all its pages: a page of Ruby's heap, for Ruby writes into all of it at once
//!   (`HEAP_PAGE_SIZE` and `heap_page_allocate` in its gc.c), or, before Ruby 3.2, four smaller ones side by side. The rest is
//!   malloc's, which maps large pieces one by one (of those that are full, most is mistaken for Ruby's heap); but with jemalloc
//!   and others, which do not, unknown;
//! * of what begins where a library's writable part ends, except such blocks, the first 128 KiB: the library's zeroed data (.bss).
//!   The rest of such a mapping is as anywhere else: the kernel puts new mappings into the gap above a library and makes one of all
//!   that touch and are alike, so that most of Ruby's heap may be in one mapping with a few zeroed pages. How many these are is
//!   written in the library's file only, which is not read here. The limit is above libruby's (82 KiB) and those of 96 in 100
//!   libraries of Debian, and as low as that, for it is what may be mistaken for a file's below each gap.

use super::Region;

/// What a page is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Objects: the pages of Ruby's GC.
    RubyHeap,
    /// Malloc'd pages that hold the bodies of methods. Only the mold's notes can say it.
    MethodBodies,
    /// All other malloc'd pages.
    Malloc,
    /// Compiled code: YJIT's, or another compiler's.
    Jit,
    /// Stacks of threads and fibers.
    Stack,
    /// Of a file, also when this process has written to its copy; and what is shared on purpose.
    File,
    /// Nobody knows.
    Other,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Kind; 7] = [
        Kind::RubyHeap,
        Kind::MethodBodies,
        Kind::Malloc,
        Kind::Jit,
        Kind::Stack,
        Kind::File,
        Kind::Other,
    ];

    /// As Ruby and the reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::RubyHeap => "ruby_heap",
            Kind::MethodBodies => "method_bodies",
            Kind::Malloc => "malloc",
            Kind::Jit => "jit",
            Kind::Stack => "stack",
            Kind::File => "file",
            Kind::Other => "other",
        }
    }
}

/// What a mapping tells about its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// All are of this kind.
    Is(Kind),
    /// Whole blocks are Ruby's heap, the rest is of this kind.
    Blocks(Kind),
    /// It begins where a library's writable part ends, with that library's zeroed data. Whole blocks are Ruby's heap.
    Above {
        /// The address up to which all else is taken for zeroed data, and so for the file's.
        zeroed: u64,
        /// What it is from there on.
        rest: Kind,
    },
}

/// What each of these mappings is; they must be all of a process, for it takes the neighbours to tell.
pub fn natures(regions: &[Region<'_>]) -> Vec<Nature> {
    const OTHER_ALLOCATORS: [&str; 3] = ["jemalloc", "mimalloc", "tcmalloc"];
    let is_other = |region: &Region| {
        OTHER_ALLOCATORS
            .iter()
            .any(|name| region.name.contains(name))
    };
    let rest = if regions.iter().any(is_other) {
        Kind::Other
    } else {
        Kind::Malloc
    };
    let place = |index| Place { regions, index };
    (0..regions.len())
        .map(|index| {
            let known = by_name(&regions[index]).or_else(|| place(index).kind());
            known.map_or_else(|| place(index).blocks(rest), Nature::Is)
        })
        .collect()
}

fn by_name(region: &Region<'_>) -> Option<Kind> {
    if !region.is_anonymous() {
        return Some(Kind::File);
    }
    let has = |words: &[&str]| words.iter().any(|word| region.name.contains(word));
    match region.name {
        "" => None,
        "[heap]" => Some(Kind::Malloc),
        name if name.starts_with("[stack") => Some(Kind::Stack),
        // `[anon:Ruby:GC:default:heap_page_body_allocate]`, `[anon:Ruby:rb_yjit_reserve_addr_space]`, `[anon: glibc: malloc]`
        name if name.starts_with("[anon:") => match () {
            () if has(&["jit"]) => Some(Kind::Jit),
            () if has(&["stack", "fiber"]) => Some(Kind::Stack),
            () if has(&["Ruby:GC", "heap_page"]) => Some(Kind::RubyHeap),
            () if has(&["malloc"]) => Some(Kind::Malloc),
            () if has(&["Ruby:"]) => Some(Kind::Other),
            () => None,
        },
        // `[vdso]`, `[vvar]`
        _ => Some(Kind::Other),
    }
}

/// A mapping among its neighbours.
struct Place<'r, 't> {
    regions: &'r [Region<'t>],
    index: usize,
}

impl Place<'_, '_> {
    /// `None`: nothing speaks for anything.
    fn kind(&self) -> Option<Kind> {
        let region = self.region();
        if self.is_code() {
            Some(Kind::Jit)
        } else if region.has("nr") || self.is_arena() {
            Some(Kind::Malloc)
        } else if region.has("nh") || self.has_guard() {
            Some(Kind::Stack)
        } else if !region.is_writable() {
            Some(Kind::Other)
        } else {
            None
        }
    }

    /// Where nothing else is known.
    fn blocks(&self, rest: Kind) -> Nature {
        const ZEROED: u64 = 128 << 10;
        // What is shared is no library's.
        let is_data = |below: &Region| !below.is_anonymous() && below.permissions == "rw-p";
        if self.below().is_some_and(is_data) {
            let zeroed = self.region().addresses.start + ZEROED;
            Nature::Above { zeroed, rest }
        } else {
            Nature::Blocks(rest)
        }
    }

    /// YJIT reserves one area, of which only the part that it writes to just now is not executable.
    fn is_code(&self) -> bool {
        let code = |region: &Region| region.is_anonymous() && region.is_executable();
        let ahead = |region: &Region| code(region) || region.is_reserved();
        code(self.region()) || (self.below().is_some_and(code) && self.above().is_some_and(ahead))
    }

    fn is_arena(&self) -> bool {
        const SIZE: u64 = 64 << 20;
        let addresses = &self.region().addresses;
        let end = match self.above() {
            Some(above) if above.is_reserved() => above.addresses.end,
            _ => addresses.end,
        };
        addresses.start % SIZE == 0 && end % SIZE == 0
    }

    fn has_guard(&self) -> bool {
        // The smallest page a machine may have; the largest that Linux knows is sixteen of them.
        const PAGES: std::ops::RangeInclusive<u64> = 4 << 10..=64 << 10;
        (self.below()).is_some_and(|below| below.is_reserved() && PAGES.contains(&below.size()))
    }

    fn region(&self) -> &Region<'_> {
        &self.regions[self.index]
    }

    /// What ends where this begins.
    fn below(&self) -> Option<&Region<'_>> {
        let below = self.regions.get(self.index.checked_sub(1)?)?;
        (below.addresses.end == self.region().addresses.start).then_some(below)
    }

    /// What begins where this ends.
    fn above(&self) -> Option<&Region<'_>> {
        let above = self.regions.get(self.index + 1)?;
        (above.addresses.start == self.region().addresses.end).then_some(above)
    }
}

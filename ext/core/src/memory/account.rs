//! The pages of a process, added up by what they are used for.

use super::kind::Nature;
use super::ranges::Cursor;
use super::{Entry, Kind, Notes, Ranges};

/// The size of Ruby's heap pages, to which they are aligned, too. Before Ruby 3.2 it was a quarter of that.
pub const BLOCK: u64 = 64 << 10;

/// Bytes of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// In memory, and mapped by this process only: the next two together.
    pub private: u64,
    /// Of the private bytes, those that the mold had, too: a write has un-shared them. If the mold has gone and no other worker
    /// is left, there is nobody to share with, and the untouched ones are among these, too. Without notes none.
    pub unshared: u64,
    /// Of the private bytes, those that the mold did not have. Without notes all.
    pub fresh: u64,
    /// In memory, and mapped by others, too.
    pub shared: u64,
    /// In the swap; the kernel does not say who else has it.
    pub swap: u64,
}

impl Sum {
    fn add(&mut self, entry: Entry, bytes: u64, had: bool) {
        if entry.is_private() {
            self.private += bytes;
            *(if had {
                &mut self.unshared
            } else {
                &mut self.fresh
            }) += bytes;
        } else if entry.is_present() {
            self.shared += bytes;
        } else if entry.is_swapped() {
            self.swap += bytes;
        }
    }
}

/// A [`Sum`] for each [`Kind`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account([Sum; Kind::ALL.len()]);

impl Account {
    /// Of one kind.
    pub fn of(&self, kind: Kind) -> Sum {
        self.0[kind as usize]
    }

    /// All kinds together.
    pub fn total(&self) -> Sum {
        self.0.iter().fold(Sum::default(), |all, sum| Sum {
            private: all.private + sum.private,
            unshared: all.unshared + sum.unshared,
            fresh: all.fresh + sum.fresh,
            shared: all.shared + sum.shared,
            swap: all.swap + sum.swap,
        })
    }
}

/// Adds pages up, in the order of their addresses.
#[derive(Clone, Debug)]
pub struct Accountant<'n> {
    page: u64,
    account: Account,
    knows_heap: bool,
    heap: Cursor<'n>,
    code: Cursor<'n>,
    had: Cursor<'n>,
}

impl<'n> Accountant<'n> {
    /// With the size of a page of this machine, and what the mold has written down, if there is a mold and it has.
    pub fn new(page: u64, notes: Option<&'n Notes>) -> Self {
        static NONE: Notes = Notes::EMPTY;
        let notes = notes.unwrap_or(&NONE);
        Accountant {
            page,
            account: Account::default(),
            knows_heap: notes.heap != Ranges::NONE,
            heap: notes.heap.cursor(),
            code: notes.code.cursor(),
            had: notes.had.cursor(),
        }
    }

    /// Adds the pages from an address on, which must not be lower than those before. All are of one mapping. A mapping may be
    /// added in parts, if they meet where a [`BLOCK`] begins.
    pub fn add(&mut self, nature: Nature, address: u64, entries: &[Entry]) {
        let (mut address, mut entries) = (address, entries);
        while !entries.is_empty() {
            let to_the_next = (BLOCK - address % BLOCK).div_ceil(self.page);
            let to_the_next = usize::try_from(to_the_next).unwrap_or(usize::MAX);
            let (block, rest) = entries.split_at(to_the_next.min(entries.len()));
            self.add_block(nature, address, block);
            address += self.page * block.len() as u64;
            entries = rest;
        }
    }

    /// What was added.
    pub fn account(self) -> Account {
        self.account
    }

    fn add_block(&mut self, nature: Nature, from: u64, entries: &[Entry]) {
        let is_whole = from % BLOCK == 0 && self.page * entries.len() as u64 >= BLOCK;
        let is_full = is_whole && entries.iter().all(|entry| entry.is_anonymous());
        for (entry, index) in entries.iter().zip(0..) {
            let address = from + self.page * index;
            let had = self.had.holds(address);
            let kind = self.kind(nature, is_full, address, had);
            self.account.0[kind as usize].add(*entry, self.page, had);
        }
    }

    /// What the mold knew is certain, except where a file is mapped now: of what it had, it knew all that was Ruby's.
    fn kind(&mut self, nature: Nature, is_full: bool, address: u64, had: bool) -> Kind {
        if nature == Nature::Is(Kind::File) {
            return Kind::File;
        }
        if self.code.holds(address) {
            return Kind::MethodBodies;
        }
        if self.heap.holds(address) {
            return Kind::RubyHeap;
        }
        match nature {
            Nature::Is(kind) => kind,
            _ if is_full && !(had && self.knows_heap) => Kind::RubyHeap,
            Nature::Above { zeroed, .. } if address < zeroed => Kind::File,
            Nature::Above { rest, .. } | Nature::Blocks(rest) => rest,
        }
    }
}

//! What holds of an account, whatever the pages are.

use pitchfork_core::memory::account::BLOCK;
use pitchfork_core::memory::kind::Nature;
use pitchfork_core::memory::{Account, Accountant, Entry, Kind, Notes, Ranges, Sum};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const PAGE: u64 = 4096;
const BEGIN: u64 = 0x7f00_0000_0000;

fn entry(bits: &[u32]) -> Entry {
    let bits = bits.iter().fold(0_u64, |all, bit| all | 1 << bit);
    Entry::from_bytes(bits.to_ne_bytes())
}

/// A private page, a shared one, the same of a file, one in the swap, a guard, and none.
fn any_entry() -> impl Strategy<Value = Entry> {
    let entries = [
        &[63, 56][..],
        &[63],
        &[63, 61, 56],
        &[63, 61],
        &[62],
        &[62, 58],
        &[],
    ];
    select(entries.map(entry).to_vec())
}

fn any_nature() -> impl Strategy<Value = Nature> {
    let kind = || select(Kind::ALL.to_vec());
    let above = (0..440_u64, kind()).prop_map(|(page, rest)| Nature::Above {
        zeroed: at(page),
        rest,
    });
    prop_oneof![
        kind().prop_map(Nature::Is),
        kind().prop_map(Nature::Blocks),
        above
    ]
}

/// Ranges of whole pages among the first 400.
fn any_ranges() -> impl Strategy<Value = Ranges> {
    let range = (0..400_u64, 1..40_u64).prop_map(|(page, pages)| at(page)..at(page + pages));
    vec(range, 0..8).prop_map(Ranges::from_iter)
}

fn any_notes() -> impl Strategy<Value = Notes> {
    let none = Notes::parse("pitchfork notes 1\ngeneration 0\npid 1\nprepared 1\n");
    let none = none.expect("nothing is missing");
    (any_ranges(), any_ranges(), any_ranges()).prop_map(move |(heap, code, had)| Notes {
        heap,
        code,
        had,
        ..none.clone()
    })
}

fn at(page: u64) -> u64 {
    BEGIN + page * PAGE
}

/// Mappings one after the other, without gaps.
fn account(mappings: &[(Nature, Vec<Entry>)], notes: Option<&Notes>) -> Account {
    let mut accountant = Accountant::new(PAGE, notes);
    let mut address = BEGIN;
    for (nature, entries) in mappings {
        accountant.add(*nature, address, entries);
        address += entries.len() as u64 * PAGE;
    }
    accountant.account()
}

fn holds(ranges: &Ranges, address: u64) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

proptest! {
    #[test]
    fn every_page_once(
        mappings in vec((any_nature(), vec(any_entry(), 0..120)), 0..6),
        notes in proptest::option::of(any_notes()),
    ) {
        let account = account(&mappings, notes.as_ref());
        let entries: Vec<Entry> = mappings.iter().flat_map(|(_, entries)| entries.clone()).collect();
        let bytes = |is: fn(&Entry) -> bool| entries.iter().filter(|e| is(e)).count() as u64 * PAGE;
        let total = account.total();
        prop_assert_eq!(total.private, bytes(|e| e.is_private()));
        prop_assert_eq!(total.shared, bytes(|e| e.is_present() && !e.is_private()));
        prop_assert_eq!(total.swap, bytes(|e| e.is_swapped()));
        for kind in Kind::ALL {
            let sum = account.of(kind);
            prop_assert_eq!(sum.private, sum.unshared + sum.fresh);
        }
        let Some(notes) = notes else {
            prop_assert_eq!(total.unshared, 0);
            return Ok(());
        };
        let unshared = entries.iter().zip(0..)
            .filter(|(entry, page)| entry.is_private() && holds(&notes.had, at(*page)));
        prop_assert_eq!(total.unshared, unshared.count() as u64 * PAGE);
    }

    #[test]
    fn in_parts(
        nature in any_nature(),
        entries in vec(any_entry(), 1..200),
        notes in any_notes(),
        offset in 0..16_u64,
        cut in 1..12_u64,
    ) {
        let mut whole = Accountant::new(PAGE, Some(&notes));
        whole.add(nature, at(offset), &entries);
        let mut parts = Accountant::new(PAGE, Some(&notes));
        let first = usize::try_from(cut * BLOCK / PAGE - offset).expect("small").min(entries.len());
        parts.add(nature, at(offset), &entries[..first]);
        parts.add(nature, at(offset) + first as u64 * PAGE, &entries[first..]);
        prop_assert_eq!(whole.account(), parts.account());
    }

    /// Exact: what is a file's now is one's, notes go before guesses, and method bodies before the heap.
    #[test]
    fn what_the_mold_knew(notes in any_notes(), nature in any_nature()) {
        let private = entry(&[63, 56]);
        for page in (0..440).step_by(7) {
            let mut accountant = Accountant::new(PAGE, Some(&notes));
            accountant.add(nature, at(page), &[private]);
            let account = accountant.account();
            let expected = if nature == Nature::Is(Kind::File) {
                Kind::File
            } else if holds(&notes.code, at(page)) {
                Kind::MethodBodies
            } else if holds(&notes.heap, at(page)) {
                Kind::RubyHeap
            } else {
                match nature {
                    Nature::Above { zeroed, .. } if at(page) < zeroed => Kind::File,
                    Nature::Is(kind) | Nature::Blocks(kind) | Nature::Above { rest: kind, .. } => kind,
                }
            };
            prop_assert_eq!(account.of(expected).private, PAGE);
        }
    }
}

#[test]
fn blocks() {
    let (private, none) = (entry(&[63, 56]), Entry::NOTHING);
    let nature = Nature::Blocks(Kind::Malloc);
    let ruby_heap = |entries: &[Entry], notes: Option<&Notes>| {
        let mut accountant = Accountant::new(PAGE, notes);
        accountant.add(nature, BEGIN, entries);
        let account = accountant.account();
        let [heap, rest] =
            [Kind::RubyHeap, Kind::Malloc].map(|kind| account.of(kind).private / PAGE);
        (heap, rest)
    };
    assert_eq!(ruby_heap(&[private; 16], None), (16, 0));
    assert_eq!(ruby_heap(&[private; 40], None), (32, 8));
    let mut holed = [private; 48];
    holed[20] = none;
    assert_eq!(ruby_heap(&holed, None), (32, 15));

    // What the mold had and did not call its heap is none, unless it knew nothing of its heap.
    let text =
        "pitchfork notes 1\ngeneration 0\npid 1\nprepared 1\nhad 7f0000000000-7f0000010000\n";
    let notes = Notes::parse(text).expect("whole");
    assert_eq!(ruby_heap(&[private; 32], Some(&notes)), (32, 0));
    let notes = Notes::parse(&format!("{text}heap 7e0000000000-7e0000010000\n")).expect("whole");
    assert_eq!(ruby_heap(&[private; 32], Some(&notes)), (16, 16));
}

/// The kernel has put two blocks of Ruby's heap above a library's zeroed data, and above them memory of somebody else.
#[test]
fn above_a_library() {
    let (private, none) = (entry(&[63, 56]), Entry::NOTHING);
    let mut entries = [private; 60];
    entries[50] = none;
    let pages = |notes: Option<&Notes>| {
        let mut accountant = Accountant::new(PAGE, notes);
        let (zeroed, rest) = (at(54), Kind::Malloc);
        accountant.add(Nature::Above { zeroed, rest }, at(12), &entries);
        let account = accountant.account();
        [Kind::File, Kind::RubyHeap, Kind::Malloc].map(|kind| account.of(kind).private / PAGE)
    };
    assert_eq!(pages(None), [4 + 6, 32, 9 + 8]);
    // The mold had the first 28 pages, and called ten of them its heap.
    let text = "pitchfork notes 1\ngeneration 0\npid 1\nprepared 1\nhad 7f000000c000-7f0000028000\n\
        heap 7f000000c000-7f000000e000\nheap 7f0000010000-7f0000018000\n";
    let notes = Notes::parse(text).expect("whole");
    assert_eq!(pages(Some(&notes)), [2 + 16 + 6, 10 + 8, 9 + 8]);
}

#[test]
fn sixteen_pages_in_one() {
    let mut accountant = Accountant::new(BLOCK, None);
    accountant.add(
        Nature::Blocks(Kind::Malloc),
        BEGIN,
        &[entry(&[63, 56]), entry(&[63])],
    );
    let expected = Sum {
        private: BLOCK,
        fresh: BLOCK,
        shared: BLOCK,
        ..Sum::default()
    };
    assert_eq!(accountant.account().of(Kind::RubyHeap), expected);
}

//! The account of processes whose truth is known: a parent shares pages with a forked child, which writes to some, maps new ones,
//! gives others back and maps files. Read by the very code of the server (ext/pitchfork/src/sys/memory), exact to the page.
//!
//! Not covered: pages in the swap, for which a test can't ask.

mod area;
mod books;
mod child;
#[path = "../../../pitchfork/src/sys/memory/mod.rs"]
#[allow(dead_code)] // what only the extension calls
mod memory;

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd};

use books::{Books, State};
use child::{Child, Order};
use pitchfork_core::memory::{Kind, Notes, Ranges};

const MIB: u64 = 1 << 20;

/// A mold and a worker of it.
struct Scene {
    area: Range<u64>,
    page: u64,
    notes: Notes,
    child: Child,
    books: Books,
    /// What the child had before anything was done in the area.
    rest: [[i64; 5]; Kind::ALL.len()],
}

/// One test, for those of a process run in threads and disturb each other: what one forks shares the pages of all.
#[test]
fn exact() {
    let stories: [(&str, fn()); 8] = [
        ("shared, un-shared and fresh", shared_unshared_and_fresh),
        ("whatever happens", whatever_happens),
        ("files", files),
        ("code", code),
        ("guesses", guesses),
        ("sparse", sparse),
        ("gone", gone),
        ("notes", notes),
    ];
    for (name, story) in stories {
        println!("{name}");
        story();
    }
}

impl Scene {
    /// A mold that has written to the pages that `shared` picks of two parts of its area, which it calls Ruby's heap and method bodies.
    fn new(shared: impl Fn(u64) -> bool) -> Scene {
        area::settle();
        let (area, page) = (area::reserve(), memory::page_size());
        let parts = [part(&area, 0), part(&area, 1)];
        for part in &parts {
            assert!(child::map(part.clone(), None));
            let chosen = child::pages(part.clone()).filter(|address| shared(address / page));
            chosen.for_each(|address| child::write(address..address + 1));
        }
        let had = memory::anonymous_pages(std::process::id()).expect("our own pagemap");
        let [heap, code] = parts.clone().map(|part| Ranges::from_iter([part]));
        let text = "pitchfork notes 1\ngeneration 0\npid 1\nprepared 1\n";
        let notes = Notes {
            heap,
            code,
            had: had.clone(),
            ..Notes::parse(text).expect("notes")
        };
        let child = area::fork(&area);

        let mut books = Books::new(had);
        for (part, kind) in parts.into_iter().zip([Kind::RubyHeap, Kind::MethodBodies]) {
            for address in child::pages(part).filter(|address| shared(address / page)) {
                books.put(address..address + 1, kind, State::Shared);
            }
        }
        let now = area::account(&child, &notes);
        let rest = difference(now, books.sums());
        assert_eq!(
            rest[Kind::MethodBodies as usize],
            [0; 5],
            "outside of the area"
        );
        Scene {
            area,
            page,
            notes,
            child,
            books,
            rest,
        }
    }

    fn pages(&self, part_number: u64, range: Range<u64>) -> Range<u64> {
        let start = part(&self.area, part_number).start;
        start + range.start * self.page..start + range.end * self.page
    }

    fn order(&self, order: Order, addresses: Range<u64>) {
        self.child.order(order, addresses, 0);
    }

    #[track_caller]
    fn check(&self) {
        let account = difference(area::account(&self.child, &self.notes), self.rest);
        for (kind, expected) in Kind::ALL.into_iter().zip(self.books.sums()) {
            let counted = account[kind as usize];
            assert_eq!(
                counted, expected,
                "pages of {kind:?}: private, unshared, fresh, shared, swap"
            );
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        area::release(&self.area);
    }
}

/// A part of the area, with addresses of nobody on both sides.
fn part(area: &Range<u64>, number: u64) -> Range<u64> {
    let start = area.start + number * 192 * MIB;
    start..start + 64 * MIB
}

fn difference<const K: usize>(mut a: [[i64; 5]; K], b: [[i64; 5]; K]) -> [[i64; 5]; K] {
    for (a, b) in a.iter_mut().flatten().zip(b.iter().flatten()) {
        *a -= b;
    }
    a
}

fn shared_unshared_and_fresh() {
    for (every, written) in [(1, 0..1), (2, 0..700), (3, 10..4000), (7, 100..16_384)] {
        let mut scene = Scene::new(|page| page % every == 0);
        scene.check();
        for (part, kind) in [(0, Kind::RubyHeap), (1, Kind::MethodBodies)] {
            let range = scene.pages(part, written.clone());
            scene.order(Order::Write, range.clone());
            scene.books.put(range, kind, State::Private);
            scene.check();
        }
        // What is read and was never written is one page of zeros for the whole machine.
        if knows_zeros() {
            scene.order(Order::Read, scene.pages(0, 5000..6000));
            scene.check();
        }
        let given_back = scene.pages(0, 300..500);
        scene.order(Order::Discard, given_back.clone());
        scene.books.remove(given_back);
        let unmapped = scene.pages(1, 0..301);
        scene.order(Order::Unmap, unmapped.clone());
        scene.books.remove(unmapped);
        scene.check();
        // The mold writes: the child is left alone with the old page.
        let range = scene.pages(0, 6000..6100);
        child::write(range.clone());
        scene.books.leave(range);
        scene.check();
    }
}

fn whatever_happens() {
    for seed in 1..=4_u64 {
        let mut state = seed;
        let mut dice = move |sides: u64| {
            // The constants of Knuth's MMIX.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut scene = Scene::new(|page| (page * seed) % 5 < 2);
        for _ in 0..40 {
            let (part, kind) = [(0, Kind::RubyHeap), (1, Kind::MethodBodies)][dice(2) as usize];
            let first = dice(16_000);
            let range = scene.pages(part, first..first + 1 + dice(384));
            match dice(4) {
                0 => scene.order(Order::Discard, range.clone()),
                // Also where nothing is mapped any more.
                _ => scene.order(Order::Map, range.clone()),
            }
            scene.books.remove(range.clone());
            if dice(2) == 0 {
                scene.order(Order::Write, range.clone());
                scene.books.put(range, kind, State::Private);
            }
            scene.check();
        }
    }
}

fn files() {
    const PAGES: u64 = 400;
    let path = std::env::temp_dir().join(format!("pitchfork-memory-{}", std::process::id()));
    let mut options = File::options();
    let mut file = (options.read(true).write(true).create_new(true))
        .open(&path)
        .expect("a file");
    std::fs::remove_file(&path).expect("it is there");
    let bytes = vec![7; (PAGES * memory::page_size()) as usize];
    file.write_all(&bytes).expect("room");
    file.sync_all().expect("a disk");
    let mut scene = Scene::new(|page| page % 9 == 0);
    // This process has the first half, the child all of it.
    let half = scene.pages(2, 0..PAGES / 2);
    assert!(child::map(half.clone(), Some(file.as_raw_fd())));
    child::read(half.clone());
    let whole = scene.pages(3, 0..PAGES);
    scene
        .child
        .order(Order::MapFile, whole.clone(), file.as_raw_fd() as u64);
    scene.order(Order::Read, whole.clone());
    let (first, second) = (
        scene.pages(3, 0..PAGES / 2),
        scene.pages(3, PAGES / 2..PAGES),
    );
    scene.books.put(first, Kind::File, State::Shared);
    scene.books.put(second, Kind::File, State::Private);
    scene.check();
    // Its own copy of a page, which was shared, or was not.
    let written = scene.pages(3, 150..250);
    scene.order(Order::Write, written.clone());
    scene.books.put(written, Kind::File, State::Private);
    scene.check();
    scene.order(Order::Unmap, whole.clone());
    scene.books.remove(whole);
    scene.check();
}

fn code() {
    let mut scene = Scene::new(|_| false);
    let range = scene.pages(3, 0..77);
    scene.order(Order::Map, range.clone());
    scene.order(Order::Write, range.clone());
    scene.order(Order::Seal, range.clone());
    scene.books.put(range, Kind::Jit, State::Private);
    scene.check();
}

fn guesses() {
    let mut scene = Scene::new(|_| false);
    let (part, block) = (part(&scene.area, 3), 64 << 10);
    scene.order(Order::Map, part.clone());
    // Whole blocks look like Ruby's heap, the rest like malloc's.
    let whole = part.start..part.start + 3 * block;
    let broken = part.start + 5 * block + scene.page..part.start + 6 * block;
    for range in [whole.clone(), broken.clone()] {
        scene.order(Order::Write, range);
    }
    scene.books.put(whole, Kind::RubyHeap, State::Private);
    scene.books.put(broken, Kind::Malloc, State::Private);
    scene.check();
}

fn sparse() {
    let mut scene = Scene::new(|_| false);
    let start = part(&scene.area, 3).start;
    let wide = start..start + 1024 * MIB;
    scene.order(Order::Map, wide);
    for megabyte in [0, 1, 300, 777, 1023] {
        let at = start + megabyte * MIB + scene.page;
        scene.order(Order::Write, at..at + scene.page);
        scene
            .books
            .put(at..at + scene.page, Kind::Malloc, State::Private);
    }
    scene.check();
}

fn gone() {
    let child = Child::fork(&[]);
    let pid = child.pid;
    assert!(memory::rollup(pid).is_ok());
    drop(child);
    let none = Notes::parse("pitchfork notes 1\ngeneration 0\npid 1\nprepared 1\n").ok();
    for error in [
        memory::rollup(pid).err(),
        memory::account(pid, none.as_ref()).err(),
        memory::anonymous_pages(pid).err(),
        memory::notes(pid).err(),
    ] {
        assert_eq!(error, Some(nix::errno::Errno::ENOENT));
    }
}

fn notes() {
    let pid = std::process::id();
    assert_eq!(memory::notes(pid), Ok(None));
    // SAFETY: the name is a C string; what is answered is a new descriptor or -1.
    let fd = unsafe { libc::memfd_create(c"pitchfork notes".as_ptr(), libc::MFD_CLOEXEC) };
    assert_ne!(fd, -1, "no memfd");
    // SAFETY: the kernel has just made it for us.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(b"pitchfork notes 1\n").expect("room");
    assert_eq!(
        memory::notes(pid),
        Ok(Some(b"pitchfork notes 1\n".to_vec()))
    );
}

/// Since Linux 6.7 the kernel tells where its page of zeros is.
fn knows_zeros() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux");
    let mut numbers = release
        .split(['.', '-'])
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(7))
}

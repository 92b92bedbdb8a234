//! Reading allocates nothing: neither a head nor a body. Only trailer fields are kept.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use pitchfork_core::http::{BodyDecoder, Chunk, Framing, Limits, Parsed, Scratch, parse};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting by thread: the test harness allocates in others.
struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged. The counter is a `Cell` without destructor
// and with a constant initialiser, so that using it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the callee's requirements.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn heads() {
    let bytes = b"POST http://h:1/a?b HTTP/1.1\r\nHost: [::1]:80\r\nCookie: c=d\r\nConnection: close, te\r\nExpect: 100-continue\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    let count = allocations(|| {
        let mut scratch = Scratch::new();
        let parsed = parse(bytes, &mut scratch, &Limits::default());
        assert!(matches!(black_box(parsed), Ok(Parsed::Complete(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn bodies() {
    for (framing, bytes, most) in [
        (Framing::Length(5), &b"hello"[..], 0),
        (Framing::Chunked, b"5;a=b\r\nhello\r\n0\r\n\r\n", 0),
        (Framing::Chunked, b"0\r\nA: b\r\nC: d\r\n\r\n", 2), // 12 bytes outgrow the first 8
    ] {
        let count = allocations(|| {
            let limits = Limits::default();
            let mut decoder = BodyDecoder::new(framing, &limits, Some(5)).unwrap();
            let mut rest = bytes;
            loop {
                let (used, chunk) = black_box(decoder.next(rest, 3)).unwrap();
                rest = &rest[used..];
                if chunk == Chunk::Done {
                    break;
                }
            }
        });
        assert!(count <= most, "{count} in {}", bytes.escape_ascii());
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

//! Reading allocates nothing: neither a head nor a chunked body.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use pitchfork_core::http::{Chunk, ChunkedDecoder, Limits, Parsed, Scratch, parse};

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
    let bytes = b"POST http://h:1/a?b HTTP/1.1\r\nHost: [::1]:80\r\nCookie: c=d\r\nExpect: 100-continue\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    let count = allocations(|| {
        let mut scratch = Scratch::new();
        let parsed = parse(bytes, &mut scratch, &Limits::default());
        assert!(matches!(black_box(parsed), Ok(Parsed::Complete(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn chunked_bodies() {
    let count = allocations(|| {
        let mut decoder = ChunkedDecoder::new();
        let mut rest = &b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"[..];
        loop {
            let (used, chunk) = black_box(decoder.next(rest)).unwrap();
            rest = &rest[used..];
            if chunk == Chunk::Done {
                break;
            }
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

//! Garbage collections of a worker: how much time they take within requests and between them, and when Ruby is to see whether
//! the next one can be had now.
//!
//! The hot path only asks how many there have been, `rb_gc_count`, which reads a counter. The time is read when that has
//! changed: so what a lazy sweep takes is counted with the next collection, unless it is completed between requests.

use std::cell::Cell;

use magnus::value::{Lazy, LazyId, ReprValue};
use magnus::{RModule, Ruby, typed_data::Obj};

use super::WorkerPort;
use crate::sys::scoreboard::{Gc, Row};

static GC: Lazy<RModule> = Lazy::new(Ruby::module_gc);
static TOTAL_TIME: LazyId = LazyId::new("total_time");

/// What was last seen of Ruby's garbage collector.
pub struct Collections {
    count: Cell<u64>,
    /// Nanoseconds.
    time: Cell<u64>,
    /// What the worker has been doing since.
    doing: Cell<Gc>,
    /// Ruby wants to know of each request in which there was a collection.
    watched: Cell<bool>,
}

impl Collections {
    /// Those to come.
    pub fn new(ruby: &Ruby) -> Self {
        Collections {
            count: Cell::new(count(ruby)),
            time: Cell::new(time(ruby).unwrap_or(0)),
            doing: Cell::new(Gc::Between),
            watched: Cell::new(false),
        }
    }

    /// From now on the worker does this. Answers whether it is Ruby's turn: a request is over in which there was a collection.
    pub fn turn(&self, ruby: &Ruby, row: &Row, next: Gc) -> bool {
        let before = self.doing.replace(next);
        if count(ruby) == self.count.get() {
            return false;
        }
        self.count.set(count(ruby));
        self.add_time(ruby, row, before);
        self.watched.get() && before == Gc::Within
    }

    fn add_time(&self, ruby: &Ruby, row: &Row, kind: Gc) {
        if let Some(time) = time(ruby) {
            let before = self.time.replace(time);
            row.add_gc(kind, time.saturating_sub(before));
        }
    }
}

/// How many collections have begun in this process.
fn count(_ruby: &Ruby) -> u64 {
    // SAFETY: the GVL is held; it only reads.
    unsafe { rb_sys::rb_gc_count() }
}

/// Nanoseconds of the processor, [GC.total_time](https://docs.ruby-lang.org/en/3.1/GC.html#method-c-total_time). None, if
/// somebody has put something else in its place.
fn time(ruby: &Ruby) -> Option<u64> {
    ruby.get_inner(&GC).funcall(*TOTAL_TIME, ()).ok()
}

impl WorkerPort {
    /// `wait` answers `:collect` after each request in which there was a collection.
    pub(super) fn watch_gc(&self) {
        self.collections.watched.set(true);
    }

    /// Seconds of collections within requests, and between them, up to now.
    pub(super) fn gc_time(ruby: &Ruby, rb_self: Obj<Self>) -> (f64, f64) {
        let collections = &rb_self.collections;
        // But for the count: whether there was a collection in this request is yet to be asked.
        collections.add_time(ruby, rb_self.row(), collections.doing.get());
        let seconds = |nanos: u64| std::time::Duration::from_nanos(nanos).as_secs_f64();
        let [within, between] = rb_self.row().gc();
        (seconds(within), seconds(between))
    }

    /// Whether this worker has served nine tenths of the requests after which the master wants to hear of it: it is likely to
    /// be promoted or replaced before long.
    pub(super) fn goes_soon(&self) -> bool {
        let row = self.row();
        row.report_at()
            .is_some_and(|at| row.requests() >= at - at / 10)
    }
}

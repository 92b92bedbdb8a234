//! `Pitchfork::MoldNotes`: what a mold finds out about its memory, for those who look at its workers later.

use std::cell::RefCell;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use magnus::{
    Class, Error, Module, Object, RArray, RModule, Ruby, TryConvert, Value, function, method,
    typed_data::Obj,
};
use nix::errno::Errno;
use pitchfork_core::memory::notes::{Before, Step};
use pitchfork_core::memory::{Notes, Ranges};

use crate::ruby::errors;
use crate::ruby::heap::Heap;
use crate::sys::notes;

/// What was found, until it is published.
#[magnus::wrap(class = "Pitchfork::MoldNotes", free_immediately)]
pub struct MoldNotes(RefCell<Option<Heap>>);

impl MoldNotes {
    /// Looks at the heap. What comes after must not move an object, or the body of a method.
    fn look() -> Self {
        MoldNotes(RefCell::new(Heap::look()))
    }

    /// Looks at the pages, too, and publishes all: with the look at the heap, some 15 ms for 100 MiB. `before`: private bytes and
    /// PSS before the preparation, or nil. `steps`: the name of each, how many seconds it took, and by how many bytes it has
    /// changed the memory of this process. `version`: Ruby's. `settings`: the words of those that were given.
    ///
    /// Raises a SystemCallError when the kernel refuses.
    fn publish(
        ruby: &Ruby,
        rb_self: Obj<Self>,
        generation: u32,
        before: Option<(u64, u64)>,
        steps: RArray,
        version: String,
        settings: Vec<String>,
    ) -> Result<(), Error> {
        let (heap, code) = (rb_self.0.take()).map_or((Ranges::NONE, Ranges::NONE), |heap| {
            (heap.objects, heap.code)
        });
        let prepared = SystemTime::now().duration_since(UNIX_EPOCH);
        let notes = Notes {
            generation,
            pid: std::process::id(),
            prepared: prepared.map_or(0, |time| time.as_secs()),
            ruby: Some(version),
            settings,
            before: before.map(|(private, pss)| Before { private, pss }),
            steps: steps.into_iter().map(step).collect::<Result<_, _>>()?,
            heap,
            code,
            // Last, so that all that is there is among them.
            had: notes::anonymous_pages().map_err(|error| failed(ruby, &error))?,
        };
        notes::publish(&notes).map_err(|error| failed(ruby, &error))
    }
}

fn step(step: Value) -> Result<Step, Error> {
    let (name, seconds, change) = <(String, f64, i64)>::try_convert(step)?;
    Ok(Step {
        name,
        time: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        change,
    })
}

fn failed(ruby: &Ruby, error: &io::Error) -> Error {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    errors::system(ruby, "the notes of the mold", errno)
}

/// Defines the class.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("MoldNotes", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("look", function!(MoldNotes::look, 0))?;
    class.define_method("publish", method!(MoldNotes::publish, 5))
}

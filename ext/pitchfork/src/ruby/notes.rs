//! `Pitchfork::Memory::Notes`: a mold's notes, read.

use magnus::{Class, Error, Module, Object, RArray, RModule, RString, Ruby, Symbol, Value};
use magnus::{IntoValue, function, method};
use pitchfork_core::memory::{Notes, Ranges};

/// The object.
#[magnus::wrap(class = "Pitchfork::Memory::Notes", free_immediately)]
struct RbNotes(Notes);

impl RbNotes {
    fn parse(ruby: &Ruby, text: RString) -> Result<Self, Error> {
        read(ruby, text).map(Self)
    }

    fn generation(&self) -> u32 {
        self.0.generation
    }

    fn pid(&self) -> u32 {
        self.0.pid
    }

    fn prepared(&self) -> u64 {
        self.0.prepared
    }

    fn ruby(&self) -> Option<&str> {
        self.0.ruby.as_deref()
    }

    fn settings(&self) -> Vec<String> {
        self.0.settings.clone()
    }

    fn before(&self) -> Option<(u64, u64)> {
        self.0.before.map(|before| (before.private, before.pss))
    }

    fn steps(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        let steps = ruby.ary_new_capa(this.0.steps.len());
        for step in &this.0.steps {
            let hash = ruby.hash_new();
            let key = |name| -> Symbol { ruby.to_symbol(name) };
            hash.aset(key("name"), step.name.as_str())?;
            hash.aset(key("seconds"), step.time.as_secs_f64())?;
            hash.aset(key("change"), step.change)?;
            steps.push(hash)?;
        }
        Ok(steps)
    }

    fn heap(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        pairs(ruby, &this.0.heap)
    }

    fn code(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        pairs(ruby, &this.0.code)
    }

    fn had(ruby: &Ruby, this: &Self) -> Result<RArray, Error> {
        pairs(ruby, &this.0.had)
    }
}

/// The notes in a text.
pub fn read(ruby: &Ruby, text: RString) -> Result<Notes, Error> {
    Notes::parse(&text.to_string()?)
        .map_err(|error| Error::new(ruby.exception_arg_error(), error.to_string()))
}

/// The first address of each range, and the one after its last.
pub fn pairs(ruby: &Ruby, ranges: &Ranges) -> Result<RArray, Error> {
    let pairs = ruby.ary_new();
    for range in ranges.iter() {
        let pair: Value = (range.start, range.end).into_value_with(ruby);
        pairs.push(pair)?;
    }
    Ok(pairs)
}

/// Defines the class.
pub fn init(ruby: &Ruby, memory: RModule) -> Result<(), Error> {
    let class = memory.define_class("Notes", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_singleton_method("parse", function!(RbNotes::parse, 1))?;
    class.define_method("generation", method!(RbNotes::generation, 0))?;
    class.define_method("pid", method!(RbNotes::pid, 0))?;
    class.define_method("prepared", method!(RbNotes::prepared, 0))?;
    class.define_method("ruby", method!(RbNotes::ruby, 0))?;
    class.define_method("settings", method!(RbNotes::settings, 0))?;
    class.define_method("before", method!(RbNotes::before, 0))?;
    class.define_method("steps", method!(RbNotes::steps, 0))?;
    class.define_method("heap", method!(RbNotes::heap, 0))?;
    class.define_method("code", method!(RbNotes::code, 0))?;
    class.define_method("had", method!(RbNotes::had, 0))?;
    Ok(())
}

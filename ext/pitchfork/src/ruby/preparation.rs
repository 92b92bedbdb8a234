//! `Pitchfork::Preparation.trim`: the step of a mold's preparation that Ruby can't take.

use magnus::{Error, Module, Object, RModule, Ruby, function};

use crate::sys::allocator;

/// Defines the method of the class, which is written in lib/pitchfork/preparation.rb. It answers the allocator's name, or nil.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Preparation", ruby.class_object())?;
    class.define_singleton_method("trim", function!(allocator::trim, 0))
}

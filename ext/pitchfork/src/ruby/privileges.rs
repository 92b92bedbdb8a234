//! `Pitchfork::Privileges.be_visible`: what is left to do after a change of the user.

use magnus::{Error, Module, Object, RModule, Ruby, function};

use crate::sys::process;

/// Defines the method of the class, which is written in lib/pitchfork/privileges.rb.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let class = pitchfork.define_class("Privileges", ruby.class_object())?;
    class.define_singleton_method("be_visible", function!(process::be_dumpable, 0))
}

//! The Ruby extension of the pitchfork server: system calls in `sys`, what knows the VM in `ruby`, and one module for the
//! loop of each role. All decisions are `pitchfork_core`'s.

mod lingering;
mod link;
mod master;
mod mold;
mod rotation;
mod ruby;
mod scales;
mod shell;
mod sys;
mod who;
mod worker;

use magnus::{Error, Ruby};

#[magnus::init]
fn init(ruby: &Ruby) -> Result<(), Error> {
    sys::forks::register();
    let pitchfork = ruby.define_module("Pitchfork")?;
    crate::ruby::env::init(ruby);
    crate::ruby::scoreboard::init(ruby, pitchfork)?;
    crate::ruby::memory::init(ruby, pitchfork)?;
    crate::ruby::privileges::init(ruby, pitchfork)?;
    crate::ruby::client::init(ruby, pitchfork)?;
    crate::ruby::mold_notes::init(ruby, pitchfork)?;
    crate::ruby::preparation::init(ruby, pitchfork)?;
    master::init(ruby, pitchfork)?;
    mold::init(ruby, pitchfork)?;
    worker::init(ruby, pitchfork)?;
    who::init(pitchfork)?;
    Ok(())
}

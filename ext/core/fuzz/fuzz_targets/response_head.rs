#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/properties/mod.rs"]
#[allow(dead_code)] // each target checks one of them
mod properties;

fuzz_target!(|input: &[u8]| properties::response_head::check(input));

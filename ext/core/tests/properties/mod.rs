//! What holds for any bytes. Each function takes the bytes of one input and panics when a property fails: the fuzz
//! targets (ext/core/fuzz) call them with what the fuzzer invents, and `http_corpus` with what it has kept.

pub mod body;
pub mod chunked;
pub mod head;
pub mod response_head;

/// How many bytes arrive at once, to try each: one by one, unevenly, and mostly together.
const STEPS: [usize; 4] = [1, 3, 16, 61];

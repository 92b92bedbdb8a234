//! The properties of `properties/`, for every input that the fuzzer has kept in ext/core/fuzz/corpus.

use std::fs;
use std::path::Path;

mod properties;

/// Panics with the name of the file whose bytes break the property.
fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&directory).expect("the corpus is in the repository");
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let input = fs::read(&path).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| check(&input)) {
            eprintln!("with the input {}", path.display());
            std::panic::resume_unwind(panic);
        }
        count += 1;
    }
    assert!(count > 10, "only {count} inputs in {}", directory.display());
}

#[test]
fn head() {
    replay("head", properties::head::check);
}

#[test]
fn chunked() {
    replay("chunked", properties::chunked::check);
}

#[test]
fn body() {
    replay("body", properties::body::check);
}

#[test]
fn response_head() {
    replay("response_head", properties::response_head::check);
}

//! Reads request heads for tests of single rules.

use pitchfork_core::http::{Head, HeadError, Limits, Parsed, Scratch, parse};

/// Parses a complete head and hands it to `check`.
pub fn read<T>(bytes: &[u8], check: impl FnOnce(Head) -> T) -> Result<T, HeadError> {
    match parse(bytes, &mut Scratch::new(), &Limits::default())? {
        Parsed::Complete(head) => Ok(check(head)),
        Parsed::Partial => panic!("incomplete: {}", bytes.escape_ascii()),
    }
}

pub fn accept<T>(bytes: impl AsRef<[u8]>, check: impl FnOnce(Head) -> T) -> T {
    let bytes = bytes.as_ref();
    read(bytes, check).unwrap_or_else(|error| panic!("{error}: {}", bytes.escape_ascii()))
}

pub fn refuse(bytes: impl AsRef<[u8]>, error: HeadError) {
    let bytes = bytes.as_ref();
    assert_eq!(read(bytes, |_| ()), Err(error), "{}", bytes.escape_ascii());
}

/// A good head with these lines added, each to be given with its CRLF.
#[allow(dead_code)] // not for every test file
pub fn with_lines(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

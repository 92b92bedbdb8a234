//! How much of a request head is read, and how often.

use pitchfork_core::http::head::{MAX_FIELDS, parse_more};
use pitchfork_core::http::{HeadError, Limits, Parsed, Scratch};

/// Whether the head is complete, when its first `seen` bytes were not.
fn more(bytes: &[u8], seen: usize, limits: &Limits) -> Result<bool, HeadError> {
    parse_more(bytes, seen, &mut Scratch::new(), limits)
        .map(|parsed| matches!(parsed, Parsed::Complete(_)))
}

fn refuse_within(bytes: impl AsRef<[u8]>, error: HeadError, limits: &Limits) {
    let bytes = bytes.as_ref();
    assert_eq!(
        more(bytes, 0, limits),
        Err(error),
        "{}",
        bytes.escape_ascii()
    );
}

/// Each limit holds exactly, for a complete head and for one that is still growing.
#[test]
fn limits() {
    let limits = Limits {
        method: 4,
        request_line: 40,
        field: 50,
        head: 200,
        fields: 4,
        ..Limits::default()
    };
    let fits = |bytes: String| {
        let bytes = bytes.as_bytes();
        for len in 0..bytes.len() {
            assert_eq!(more(&bytes[..len], 0, &limits), Ok(false), "{len} bytes");
        }
        assert_eq!(more(bytes, 0, &limits), Ok(true));
    };
    let line = |n: usize| format!("GET /{} HTTP/1.0\r\n", "a".repeat(n - 14));
    let field = |n: usize| format!("a: {}\r\n", "b".repeat(n - 3));

    fits(line(40) + "\r\n");
    let error = HeadError::RequestLineTooLong { limit: 40 };
    refuse_within(line(41) + "\r\n", error, &limits);
    refuse_within(&line(43)[..42], error, &limits);
    assert_eq!(error.status(), 414);

    fits(line(20) + &field(50) + "\r\n");
    let error = HeadError::FieldTooLarge { limit: 50 };
    refuse_within(line(20) + &field(51) + "\r\n", error, &limits);
    refuse_within(&(line(20) + &field(60))[..22 + 52], error, &limits);
    assert_eq!(error.status(), 431);

    let three = field(50).repeat(3); // 156 bytes; 18 + 24 more make 200 with the empty line
    fits(line(18) + &three + &field(20) + "\r\n");
    let error = HeadError::HeadTooLarge { limit: 200 };
    refuse_within(line(18) + &three + &field(21) + "\r\n", error, &limits);
    refuse_within(&(line(18) + &three + &field(30))[..200], error, &limits);
    assert_eq!(error.status(), 431);

    fits(line(20) + &field(5).repeat(4) + "\r\n");
    let error = HeadError::TooManyFields { limit: 4 };
    refuse_within(line(20) + &field(5).repeat(5) + "\r\n", error, &limits);
    assert_eq!(error.status(), 431);

    fits("POST / HTTP/1.0\r\n\r\n".into());
    let error = HeadError::MethodTooLong { limit: 4 };
    refuse_within("PATCH / HTTP/1.0\r\n\r\n", error, &limits);
    assert_eq!(error.status(), 501);
}

#[test]
fn more_fields_than_there_is_room_for() {
    let limits = Limits {
        fields: usize::MAX,
        ..Limits::default()
    };
    let bytes = format!("GET / HTTP/1.0\r\n{}\r\n", "a:b\r\n".repeat(MAX_FIELDS + 1));
    refuse_within(
        bytes,
        HeadError::TooManyFields { limit: MAX_FIELDS },
        &limits,
    );
}

/// Without a new line feed nothing is parsed, so that a bad byte waits for its line's end; limits do not wait.
#[test]
fn growing_heads() {
    let limits = Limits::default();
    let more = |bytes: &[u8], seen| more(bytes, seen, &limits);
    assert_eq!(more(b"GET / HTTP/1.1\r\nHo(st", 18), Ok(false));
    assert_eq!(
        more(b"GET / HTTP/1.1\r\nHo(st: h\r\n", 21),
        Err(HeadError::FieldName)
    );
    assert_eq!(more(b"G(T", 0), Err(HeadError::Method));
    assert_eq!(more(b"GET / HTTP/1.0\r\n\r\n", 17), Ok(true));
    assert_eq!(more(b"GET", 9), Ok(false));
    let long = vec![b'a'; limits.request_line + 2];
    let error = HeadError::RequestLineTooLong {
        limit: limits.request_line,
    };
    assert_eq!(more(&long, long.len() - 1), Err(error));
}

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

/// What a head of these bytes is refused with, and how many of them it takes to know, when they come one by one.
fn refused_at(bytes: impl AsRef<[u8]>, limits: &Limits) -> Option<(HeadError, usize)> {
    let bytes = bytes.as_ref();
    (1..=bytes.len()).find_map(|len| {
        let refused = more(&bytes[..len], len - 1, limits).err();
        refused.map(|error| (error, len))
    })
}

/// Each limit holds exactly: what is as long passes, whole and in any beginning; one byte more is refused, as a whole
/// and when that byte comes.
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
    let line = |n: usize| format!("GET /{} HTTP/1.0\r\n", "a".repeat(n - 14));
    let field = |n: usize| format!("a: {}\r\n", "b".repeat(n - 3));
    let three = field(50).repeat(3); // 156 bytes; 18 + 24 more make 200 with the empty line

    for fits in [
        "POST / HTTP/1.0\r\n\r\n".into(),
        line(40) + "\r\n",
        "\r\n".to_string() + &line(40) + "\r\n",
        line(20) + &field(50) + "\r\n",
        line(20) + &field(49).replacen(": ", ":\t", 1) + "\r\n",
        line(18) + &three + &field(20) + "\r\n",
        line(20) + &field(5).repeat(4) + "\r\n",
    ] {
        let bytes = fits.as_bytes();
        for len in 0..bytes.len() {
            assert_eq!(
                more(&bytes[..len], 0, &limits),
                Ok(false),
                "{len} of {fits:?}"
            );
        }
        assert_eq!(more(bytes, 0, &limits), Ok(true), "{fits:?}");
        assert_eq!(refused_at(&fits, &limits), None, "{fits:?}");
    }

    let method = HeadError::MethodTooLong { limit: 4 };
    let request_line = HeadError::RequestLineTooLong { limit: 40 };
    let field_line = HeadError::FieldTooLarge { limit: 50 };
    let head = HeadError::HeadTooLarge { limit: 200 };
    let fields = HeadError::TooManyFields { limit: 4 };
    for (bytes, error, status, at) in [
        ("PATCH / HTTP/1.0\r\n\r\n".into(), method, 501, 5),
        (line(41) + "\r\n", request_line, 414, 41),
        (
            "\r\n".to_string() + &line(41) + "\r\n",
            request_line,
            414,
            43,
        ),
        (line(20) + &field(51) + "\r\n", field_line, 431, 22 + 51),
        (
            line(20) + "a:" + &" ".repeat(49) + "\r\n\r\n",
            field_line,
            431,
            22 + 51,
        ),
        (
            line(20) + "a:b" + &" ".repeat(48) + "\r\n\r\n",
            field_line,
            431,
            22 + 51,
        ),
        // A head of 200 bytes would have ended with the 200th.
        (line(18) + &three + &field(21) + "\r\n", head, 431, 200),
        // The fifth line is known as a field when it ends.
        (
            line(20) + &field(5).repeat(5) + "\r\n",
            fields,
            431,
            22 + 5 * 7,
        ),
    ] {
        refuse_within(&bytes, error, &limits);
        assert_eq!(error.status(), status);
        assert_eq!(refused_at(&bytes, &limits), Some((error, at)), "{bytes:?}");
        refuse_within(&bytes[..at], error, &limits);
    }
}

/// A line that is too long is refused although the head goes on, and although what follows it arrived with it.
#[test]
fn ended_lines_of_a_growing_head() {
    let limits = Limits {
        request_line: 40,
        field: 50,
        ..Limits::default()
    };
    let request_line = format!("GET /{} HTTP/1.0\r\nA: b\r\n", "a".repeat(27));
    refuse_within(
        request_line,
        HeadError::RequestLineTooLong { limit: 40 },
        &limits,
    );
    let field = format!("GET / HTTP/1.0\r\nA: {}\r\nB: c", "b".repeat(48));
    refuse_within(field, HeadError::FieldTooLarge { limit: 50 }, &limits);
}

/// The limits can be so large that nothing may be added to them.
#[test]
fn no_limits() {
    let limits = Limits {
        method: usize::MAX,
        request_line: usize::MAX,
        field: usize::MAX,
        head: usize::MAX,
        fields: MAX_FIELDS,
        chunk_extensions: usize::MAX,
        trailers: usize::MAX,
    };
    let bytes = b"GET / HTTP/1.0\r\nA: b\r\n\r\n";
    for len in 0..bytes.len() {
        assert_eq!(
            more(&bytes[..len], len.saturating_sub(1), &limits),
            Ok(false)
        );
    }
    assert_eq!(more(bytes, 0, &limits), Ok(true));
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
    let long = format!("GET /{}", "a".repeat(limits.request_line));
    let long = long.as_bytes();
    let error = HeadError::RequestLineTooLong {
        limit: limits.request_line,
    };
    assert_eq!(more(long, long.len() - 1), Err(error));
}

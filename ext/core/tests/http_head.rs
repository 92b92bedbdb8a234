//! The rules for request heads, one line each: bytes in, decision out.

use pitchfork_core::http::head::is_ambiguous;
use pitchfork_core::http::{Form, Framing, Head, HeadError, Limits, Parsed, Scratch, parse};

/// Parses a complete head and hands it to `check`.
fn read<T>(bytes: &[u8], check: impl FnOnce(Head) -> T) -> Result<T, HeadError> {
    match parse(bytes, &mut Scratch::new(), &Limits::default())? {
        Parsed::Complete(head) => Ok(check(head)),
        Parsed::Partial => panic!("incomplete: {}", bytes.escape_ascii()),
    }
}

fn accept<T>(bytes: impl AsRef<[u8]>, check: impl FnOnce(Head) -> T) -> T {
    let bytes = bytes.as_ref();
    read(bytes, check).unwrap_or_else(|error| panic!("{error}: {}", bytes.escape_ascii()))
}

fn refuse(bytes: impl AsRef<[u8]>, error: HeadError) {
    let bytes = bytes.as_ref();
    assert_eq!(read(bytes, |_| ()), Err(error), "{}", bytes.escape_ascii());
}

/// A good head with these lines added, each to be given with its CRLF.
fn with_lines(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

#[test]
fn a_head_and_what_follows_it() {
    let bytes =
        "PATCH /a?b HTTP/1.1\r\nHost: h:1\r\nX-A:  b c \t\r\nX-E:\r\nX-S: \t \r\n\r\nbody\r\n\r\n";
    accept(bytes, |head| {
        assert_eq!(head.method, "PATCH");
        assert_eq!((head.target.path, head.target.query), ("/a", "b"));
        assert_eq!(head.minor_version, 1);
        assert_eq!(head.host, Some(&b"h:1"[..]));
        assert_eq!(head.framing, Framing::None);
        let fields: Vec<_> = head.fields.iter().map(|f| (f.name, f.value)).collect();
        let expected: [(&str, &[u8]); 4] = [
            ("Host", b"h:1"),
            ("X-A", b"b c"),
            ("X-E", b""),
            ("X-S", b""),
        ];
        assert_eq!(fields, expected);
        assert_eq!(&bytes[head.len..], "body\r\n\r\n");
    });
}

#[test]
fn methods() {
    for method in ["GET", "get", "PROPFIND", "M-SEARCH", "!#$%&'*+-.^_`|~0aZ"] {
        let bytes = format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n");
        accept(bytes, |head| assert_eq!(head.method, method));
    }
    for method in ["", "G(T", "GET\t", "G\u{e9}T", "\"GET\"", "G\0T"] {
        refuse(
            format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n"),
            HeadError::Method,
        );
    }
}

/// RFC 9112, section 3: one space between the parts, no white space around them.
#[test]
fn request_lines() {
    use HeadError::{LineEnd, Method, Target, Version, VersionNotSupported};
    for (line, error) in [
        ("GET  / HTTP/1.1", Target),
        ("GET\t/ HTTP/1.1", Method),
        (" GET / HTTP/1.1", Method),
        ("GET /  HTTP/1.1", Version),
        ("GET / HTTP/1.1 ", LineEnd),
        ("GET / a HTTP/1.1", Version),
        ("GET /\ta HTTP/1.1", Target),
        ("GET /\0 HTTP/1.1", Target),
        ("GET /\x7f HTTP/1.1", Target),
        ("GET /\ra HTTP/1.1", Target),
        ("GET /", Target), // HTTP/0.9
        ("GET / http/1.1", Version),
        ("GET / HTTP/1,1", Version),
        ("GET / HTTP/1.x", Version),
        ("GET / HTTP/11", Version),
        ("GET / HTTPS/1.1", Version),
        ("GET / HTTP/1.10", LineEnd),
        ("GET / HTTP/1.2", VersionNotSupported),
        ("GET / HTTP/0.9", VersionNotSupported),
        ("GET / HTTP/3.0", VersionNotSupported),
        ("PRI * HTTP/2.0", VersionNotSupported), // RFC 9113, section 3.4
    ] {
        refuse(format!("{line}\r\nHost: h\r\n\r\n"), error);
    }
    refuse(b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", Target);
}

/// RFC 9112, section 2.2.
#[test]
fn line_ends() {
    use HeadError::{FieldName, FieldValue, LineEnd, Target};
    for (bytes, error) in [
        ("GET / HTTP/1.1\nHost: h\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h \n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\nX:\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: \n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\n\n", LineEnd),
        ("GET / HTTP/1.1\rHost: h\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\n\rX", LineEnd),
        ("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", FieldValue),
        ("GET /\nX: y HTTP/1.1\r\nHost: h\r\n\r\n", Target),
        ("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", FieldName),
        ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", LineEnd),
        ("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", LineEnd),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", LineEnd),
        ("\r\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", LineEnd),
    ] {
        refuse(bytes, error);
    }
    let bytes = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    accept(bytes, |head| assert_eq!(head.len, bytes.len()));
}

/// RFC 9112, sections 5.1 (no white space before the colon) and 5.2 (folded lines), RFC 9110, section 5.5.
#[test]
fn fields() {
    use HeadError::{FieldName, FieldValue};
    for (line, error) in [
        ("X : y", FieldName),
        ("X\t: y", FieldName),
        (" X: y", FieldName),
        ("X: a\r\n b", FieldName),
        ("X: a\r\n\tb", FieldName),
        ("X:\r\n b", FieldName),
        (": y", FieldName),
        ("X", FieldName),
        ("X(: y", FieldName),
        ("X\u{e9}: y", FieldName),
        ("X\0: y", FieldName),
        ("X: a\0b", FieldValue),
        ("X: a\x01b", FieldValue),
        ("X: \x1b", FieldValue),
        ("X: a\x7fb", FieldValue),
    ] {
        refuse(with_lines(&format!("{line}\r\n")), error);
    }
    refuse("GET / HTTP/1.1\r\n Host: h\r\n\r\n", FieldName); // section 2.2
    accept(
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\tb\xff\r\n\r\n",
        |head| {
            assert_eq!(head.fields[1].value, b"a\tb\xff");
        },
    );
}

/// RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
/// that lacks a Host header field and to any request message that contains more than one Host header field line or a
/// Host header field with an invalid field value."
#[test]
fn host() {
    use HeadError::{HostInvalid, HostMissing, HostRepeated};
    for (fields, error) in [
        ("", HostMissing),
        ("X-Host: h\r\n", HostMissing),
        ("Host: h\r\nHost: h\r\n", HostRepeated),
        ("Host: h\r\nhOST: i\r\n", HostRepeated),
        ("Host:\r\n", HostInvalid),
        ("Host: a b\r\n", HostInvalid),
        ("Host: a, b\r\n", HostInvalid),
        ("Host: a/b\r\n", HostInvalid),
        ("Host: user@h\r\n", HostInvalid),
        ("Host: http://h\r\n", HostInvalid),
        ("Host: h:port\r\n", HostInvalid),
    ] {
        refuse(format!("GET / HTTP/1.1\r\n{fields}\r\n"), error);
        if error != HostMissing {
            refuse(format!("GET / HTTP/1.0\r\n{fields}\r\n"), error);
        }
    }
    accept("GET / HTTP/1.0\r\n\r\n", |head| {
        assert_eq!((head.host, head.minor_version), (None, 0));
    });
    accept("GET / HTTP/1.0\r\nHost: h\r\n\r\n", |head| {
        assert_eq!(head.host, Some(&b"h"[..]));
    });
}

/// RFC 9112, section 3.2.2: the host of an absolute target replaces `Host`, which still has to be there.
#[test]
fn absolute_targets() {
    accept("GET http://a:1/p?q HTTP/1.1\r\nHost: b\r\n\r\n", |head| {
        assert_eq!(head.target.form, Form::Absolute);
        assert_eq!(head.host, Some(&b"a:1"[..]));
        assert_eq!((head.target.path, head.target.query), ("/p", "q"));
    });
    accept("GET http://a HTTP/1.0\r\n\r\n", |head| {
        assert_eq!(head.host, Some(&b"a"[..]));
    });
    refuse("GET http://a/ HTTP/1.1\r\n\r\n", HeadError::HostMissing);
    refuse("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", HeadError::Fragment);
}

/// RFC 9112, sections 6.1 to 6.3, and RFC 9110, section 8.6.
#[test]
fn framing() {
    for (lines, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("content-length:42\r\n", Framing::Length(42)),
        (
            "Content-Length: 18446744073709551615\r\n",
            Framing::Length(u64::MAX),
        ),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            Framing::Length(5),
        ),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("TRANSFER-ENCODING: Chunked \r\n", Framing::Chunked),
        ("Transfer_Encoding: chunked\r\n", Framing::None),
        ("Content_Length: 5\r\n", Framing::None),
    ] {
        accept(with_lines(lines), |head| {
            assert_eq!(head.framing, framing, "{lines:?}")
        });
    }
}

#[test]
fn smuggling() {
    use HeadError::{ContentLength, ContentLengthConflict, FramingConflict, TransferEncoding};
    for (lines, error) in [
        ("Content-Length:\r\n", ContentLength),
        ("Content-Length: +5\r\n", ContentLength),
        ("Content-Length: -5\r\n", ContentLength),
        ("Content-Length: 5, 5\r\n", ContentLength),
        ("Content-Length: 5 5\r\n", ContentLength),
        ("Content-Length: 0x5\r\n", ContentLength),
        ("Content-Length: 5;\r\n", ContentLength),
        ("Content-Length: 18446744073709551616\r\n", ContentLength),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            ContentLengthConflict,
        ),
        ("Transfer-Encoding:\r\n", TransferEncoding),
        ("Transfer-Encoding: gzip\r\n", TransferEncoding),
        ("Transfer-Encoding: identity\r\n", TransferEncoding),
        ("Transfer-Encoding: xchunked\r\n", TransferEncoding),
        ("Transfer-Encoding: gzip, chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, gzip\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked,\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked;q=1\r\n", TransferEncoding),
        ("Transfer-Encoding: \"chunked\"\r\n", TransferEncoding),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            FramingConflict,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            FramingConflict,
        ),
    ] {
        refuse(with_lines(lines), error);
    }
    refuse(
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        HeadError::TransferEncodingVersion,
    );
}

/// RFC 9110, section 10.1.1: not in HTTP/1.0, and it is of no use without a body.
#[test]
fn expectations() {
    for (version, lines, expects) in [
        (1, "Expect: 100-continue\r\nContent-Length: 5\r\n", true),
        (
            1,
            "expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n",
            true,
        ),
        (1, "Expect: 100-continue\r\nContent-Length: 0\r\n", false),
        (1, "Expect: 100-continue\r\n", false),
        (1, "Expect: something\r\nContent-Length: 5\r\n", false),
        (1, "Content-Length: 5\r\n", false),
        (0, "Expect: 100-continue\r\nContent-Length: 5\r\n", false),
    ] {
        let bytes = format!("POST / HTTP/1.{version}\r\nHost: h\r\n{lines}\r\n");
        accept(bytes, |head| {
            assert_eq!(head.expects_continue, expects, "{lines:?}")
        });
    }
}

#[test]
fn underscores_collide_with_dashes() {
    assert!(is_ambiguous("Content_Length"));
    assert!(is_ambiguous("X-Forwarded_For"));
    assert!(!is_ambiguous("Content-Length"));
}

#[test]
fn statuses_and_messages() {
    assert_eq!(HeadError::VersionNotSupported.status(), 505);
    assert_eq!(HeadError::FramingConflict.status(), 400);
    assert_eq!(
        HeadError::HeadTooLarge { limit: 7 }.to_string(),
        "request head is longer than 7 bytes"
    );
}

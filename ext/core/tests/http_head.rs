//! The grammar of request heads, one rule a line: bytes in, decision out.

mod heads;

use heads::{accept, read, refuse, with_lines};
use pitchfork_core::http::head::is_ambiguous;
use pitchfork_core::http::{Framing, HeadError};

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
        ("GET / HTTP/1.1\t", LineEnd),
        ("GET /\x0bHTTP/1.1", Target),
        ("GET /\tHTTP/1.1", Target),
        ("GET HTTP/1.1", Target),
        ("/ HTTP/1.1", Method),
        ("GET / ", Version),
        ("GET /", Target), // HTTP/0.9
        ("GET / http/1.1", Version),
        ("GET / Http/1.1", Version),
        ("GET / HTTP /1.1", Version),
        ("GET / HTTP/ 1.1", Version),
        ("GET / HTTP/+1.1", Version),
        ("GET / HTTP/01.1", VersionNotSupported),
        ("GET / HTTP/1.01", LineEnd),
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
        ("X: \x7f", FieldValue),
        ("X:\0", FieldValue),
        ("X: a\x0bb", FieldValue),
        ("X: a\x0cb", FieldValue),
        ("X: a\x08b", FieldValue),
        ("X\x7f: y", FieldName),
        ("X;: y", FieldName),
        ("\"X\": y", FieldName),
        ("=?utf-8: y", FieldName),
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

/// "A recipient of such a bare CR MUST consider that element to be invalid" (RFC 9112, section 2.2), and the same for
/// every byte that is no field byte (RFC 9110, section 5.5): at each place of a value and of a name.
#[test]
fn every_control_character_everywhere() {
    for byte in (0..=255u8).filter(|byte| byte.is_ascii_control() && *byte != b'\t') {
        for template in [
            "GET / HTTP/1.1\r\nHost: h\r\nX: ?abc\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: abcdefghijklmnopqrstuvwxyz01234567?abc\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX:a?\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX?: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n?X: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h?\r\n\r\n",
            "GET /? HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /abcdefghijklmnopqrstuvwxyz0123456789?a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET? / HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1?\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r?\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n?\r\n",
        ] {
            let bytes: Vec<u8> = (template.bytes())
                .map(|other| if other == b'?' { byte } else { other })
                .collect();
            match read(&bytes, |_| ()) {
                Err(error) => assert_eq!(error.status(), 400, "{}", bytes.escape_ascii()),
                Ok(()) => panic!("accepted: {}", bytes.escape_ascii()),
            }
        }
    }
}

#[test]
fn underscores_collide_with_dashes() {
    assert!(is_ambiguous("Content_Length"));
    assert!(is_ambiguous("X-Forwarded_For"));
    assert!(!is_ambiguous("Content-Length"));
}

/// What the client is told, and what the log says.
#[test]
fn statuses_and_messages() {
    use HeadError::*;
    for (errors, status) in [
        (
            &[Method, Target, Fragment, Version, LineEnd, FieldName][..],
            400,
        ),
        (&[FieldValue, HostMissing, HostRepeated, HostInvalid], 400),
        (
            &[ContentLength, ContentLengthConflict, FramingConflict],
            400,
        ),
        (&[TransferEncoding, TransferEncodingVersion], 400),
        (&[RequestLineTooLong { limit: 7 }], 414),
        (
            &[FieldTooLarge { limit: 7 }, TooManyFields { limit: 7 }],
            431,
        ),
        (&[HeadTooLarge { limit: 7 }], 431),
        (&[MethodTooLong { limit: 7 }], 501),
        (&[VersionNotSupported], 505),
    ] {
        for error in errors {
            assert_eq!(error.status(), status, "{error}");
        }
    }
    assert_eq!(
        HeadTooLarge { limit: 7 }.to_string(),
        "request head is longer than 7 bytes"
    );
}

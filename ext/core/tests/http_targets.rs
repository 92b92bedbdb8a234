//! Who and what a request is for: `Host` and the four forms of a target, one rule a line.

mod heads;

use heads::{accept, refuse};
use pitchfork_core::http::{Form, Framing, HeadError};

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
        ("Host: \t \r\n", HostInvalid),
        ("Host:\r\nHost: h\r\n", HostInvalid),
        ("Host: :80\r\n", HostInvalid),
        ("Host: h\tx\r\n", HostInvalid),
        ("Host: h\\x\r\n", HostInvalid),
        ("Host: \u{e4}\r\n", HostInvalid),
        ("Host: h:65536\r\n", HostInvalid),
        ("Host: [::1\r\n", HostInvalid),
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
    // Section 3.2.2: "If the target URI's path component is empty, the client MUST send "/" as the path".
    accept("GET http://a?b/c HTTP/1.1\r\nHost: a\r\n\r\n", |head| {
        assert_eq!((head.target.path, head.target.query), ("/", "b/c"));
        assert_eq!(head.host, Some(&b"a"[..]));
    });
    for target in [
        "http://",
        "http:///a",
        "http://a@b/",
        "http://a\\b/",
        "http://a:b/",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        refuse(bytes, HeadError::HostInvalid);
    }
    refuse(
        "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",
        HeadError::HostInvalid,
    );
    refuse("GET http://a/ HTTP/1.1\r\n\r\n", HeadError::HostMissing);
    refuse("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", HeadError::Fragment);
}

/// RFC 9112, sections 3.2.3 and 3.2.4: each only with its method.
#[test]
fn other_targets() {
    accept("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", |head| {
        assert_eq!(
            (head.target.form, head.target.path),
            (Form::Authority, "a:443")
        );
        assert_eq!(
            (head.host, head.framing),
            (Some(&b"a:443"[..]), Framing::None)
        );
    });
    accept("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", |head| {
        assert_eq!((head.target.form, head.target.path), (Form::Asterisk, "*"));
        assert_eq!((head.target.query, head.host), ("", Some(&b"a"[..])));
    });
    for line in [
        "GET *",
        "options *",
        "OPTIONS *?a",
        "OPTIONS a:443",
        "GET a:443",
        "GET a",
        "GET ?a",
        "GET file:///a",
        "CONNECT /",
        "CONNECT *",
        "CONNECT a",
        "CONNECT a:",
        "CONNECT http://a:443/",
        "connect a:443",
    ] {
        refuse(
            format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n"),
            HeadError::Target,
        );
    }
}

//! What the fields of a head say about its body and its connection, one rule a line.

mod heads;

use heads::{accept, refuse, with_lines};
use pitchfork_core::http::{Framing, HeadError};

/// RFC 9112, section 9.3.
#[test]
fn persistence() {
    for (version, lines, persistent) in [
        (1, "", true),
        (1, "Connection: close\r\n", false),
        (1, "connection: x, Close\r\n", false),
        (1, "Connection: keep-alive\r\nConnection: close\r\n", false),
        (
            1,
            "Proxy-Connection: close\r\nX-Connection: close\r\n",
            true,
        ),
        (0, "", false),
        (0, "Connection: Keep-Alive\r\n", true),
        (0, "Connection: keep-alive\r\nConnection: close\r\n", false),
    ] {
        let bytes = format!("GET / HTTP/1.{version}\r\nHost: h\r\n{lines}\r\n");
        accept(bytes, |head| {
            assert_eq!(head.is_persistent(), persistent, "1.{version} {lines:?}")
        });
    }
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
        // 1*DIGIT, whatever they are: neither octal nor too many.
        ("Content-Length: 010\r\n", Framing::Length(10)),
        (
            "Content-Length: 00000000000000000000000000005\r\n",
            Framing::Length(5),
        ),
        (
            "Content-Length: 5\r\nContent-Length: 05\r\n",
            Framing::Length(5),
        ),
        ("Content-Length:\t5 \t\r\n", Framing::Length(5)),
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
        ("Content-Length: 5\t6\r\n", ContentLength),
        ("Content-Length: 1_000\r\n", ContentLength),
        ("Content-Length: 1e3\r\n", ContentLength),
        ("Content-Length: 5.0\r\n", ContentLength),
        ("Content-Length: ,5\r\n", ContentLength),
        ("Content-Length: \"5\"\r\n", ContentLength),
        ("Content-Length: \u{ff15}\r\n", ContentLength),
        ("Content-Length: \u{a0}5\r\n", ContentLength),
        ("Content-Length: 5\r\nContent-Length:\r\n", ContentLength),
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
        ("Transfer-Encoding: chunked chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: ,chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: \u{a0}chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chun\u{212a}ed\r\n", TransferEncoding),
        (
            "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
            TransferEncoding,
        ),
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
    refuse(
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        HeadError::TransferEncodingVersion,
    );
    accept("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", |head| {
        assert_eq!(head.framing, Framing::Length(5));
    });
    // Ways to hide a Transfer-Encoding from one of two servers.
    for (line, error) in [
        ("Transfer-Encoding : chunked", HeadError::FieldName),
        (" Transfer-Encoding: chunked", HeadError::FieldName),
        ("X: y\r\n Transfer-Encoding: chunked", HeadError::FieldName),
        ("X: y\nTransfer-Encoding: chunked", HeadError::LineEnd),
        ("X: y\rTransfer-Encoding: chunked", HeadError::FieldValue),
        ("Transfer-Encoding:\x0bchunked", HeadError::FieldValue),
        ("Transfer-Encoding: chunked\x0c", HeadError::FieldValue),
        ("Transfer-Encoding\0: chunked", HeadError::FieldName),
        ("Transfer-Encoding:\r\n chunked", HeadError::FieldName),
        ("Transfer\r-Encoding: chunked", HeadError::FieldName),
    ] {
        refuse(with_lines(&format!("{line}\r\n")), error);
    }
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

//! Request bodies, however they are delimited: the rules one by one. What holds for all is in `properties/body.rs`.

use pitchfork_core::http::{BodyDecoder, BodyError, Chunk, ChunkError, Framing, Limits};

fn decoder(framing: Framing, maximum: Option<u64>) -> BodyDecoder {
    BodyDecoder::new(framing, &Limits::default(), maximum).unwrap()
}

/// Reads a body out of `bytes` in pieces of at most `most`: the body, and what is left behind it if it has ended.
fn read(
    mut decoder: BodyDecoder,
    bytes: &[u8],
    most: usize,
) -> Result<(Vec<u8>, Option<&[u8]>), BodyError> {
    let (mut body, mut rest) = (Vec::new(), bytes);
    loop {
        let (taken, chunk) = decoder.next(rest, most)?;
        rest = &rest[taken..];
        match chunk {
            Chunk::Data(data) => {
                assert!((1..=most.max(1)).contains(&data.len()));
                body.extend_from_slice(data);
            }
            Chunk::NeedMore => {
                assert!(rest.is_empty() && !decoder.is_done());
                return Ok((body, None));
            }
            Chunk::Done => {
                assert!(decoder.is_done());
                return Ok((body, Some(rest)));
            }
        }
    }
}

#[test]
fn bodies() {
    let end: Option<&[u8]> = Some(b"GET");
    for (framing, bytes, body, rest) in [
        (Framing::None, "GET", "", end),
        (Framing::Length(0), "GET", "", end),
        (Framing::Length(5), "helloGET", "hello", end),
        (Framing::Length(5), "hell", "hell", None),
        (Framing::Length(5), "", "", None),
        (Framing::Length(u64::MAX), "hello", "hello", None),
        (
            Framing::Chunked,
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nGET",
            "hello",
            end,
        ),
        (Framing::Chunked, "5\r\nhel", "hel", None),
        (Framing::Chunked, "0\r\nA: b\r\n\r\nGET", "", end),
    ] {
        for most in [0, 1, 2, 5, usize::MAX] {
            let found = read(decoder(framing, None), bytes.as_bytes(), most);
            assert_eq!(
                found,
                Ok((body.into(), rest)),
                "{framing:?} {bytes:?} {most}"
            );
        }
    }
}

/// RFC 9110, section 15.5.14: what is too large is refused before it is read, a chunk when its size is known.
#[test]
fn the_maximum() {
    let limit = 5;
    let error = Err(BodyError::TooLarge { limit });
    let limits = Limits::default();
    for (length, fits) in [(0, true), (5, true), (6, false), (u64::MAX, false)] {
        let made = BodyDecoder::new(Framing::Length(length), &limits, Some(limit));
        assert_eq!(
            made.map(drop),
            if fits { Ok(()) } else { error },
            "{length}"
        );
    }
    for (bytes, read_before) in [
        ("6\r\n", ""),
        ("5\r\nhello\r\n1\r\n", "hello"),
        ("3\r\nhel\r\n3\r\n", "hel"),
        ("ffffffffffffffff\r\n", ""),
        ("1\r\nh\r\nffffffffffffffff\r\n", "h"),
    ] {
        let mut decoder = decoder(Framing::Chunked, Some(limit));
        let (mut body, mut rest) = (Vec::new(), bytes.as_bytes());
        let why = loop {
            match decoder.next(rest, 2) {
                Ok((taken, Chunk::Data(data))) => {
                    body.extend_from_slice(data);
                    rest = &rest[taken..];
                }
                Ok(other) => panic!("{bytes:?}: {other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(
            (why, &body[..]),
            (BodyError::TooLarge { limit }, read_before.as_bytes())
        );
        assert_eq!(decoder.next(b"0\r\n\r\n", 1), Err(why), "it stays");
    }
    let fits = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    assert_eq!(
        read(decoder(Framing::Chunked, Some(limit)), fits, 9),
        Ok((b"hello".to_vec(), Some(&b""[..])))
    );
    assert_eq!(
        read(decoder(Framing::Chunked, Some(0)), b"0\r\n\r\n", 9),
        Ok((Vec::new(), Some(&b""[..])))
    );
}

#[test]
fn what_the_caller_reports_stays() {
    for framing in [Framing::Length(5), Framing::Chunked] {
        let mut broken = decoder(framing, None);
        broken.fail(BodyError::Truncated);
        broken.fail(BodyError::Stalled);
        assert_eq!(broken.next(b"5\r\nhello", 9), Err(BodyError::Truncated));
        assert!(!broken.is_complete_with(b"hello"));
    }
    let mut done = decoder(Framing::None, None);
    done.fail(BodyError::Truncated);
    assert_eq!(
        done.next(b"", 9),
        Ok((0, Chunk::Done)),
        "it was complete before"
    );
}

#[test]
fn statuses_and_messages() {
    for (error, status, message) in [
        (
            BodyError::Chunk(ChunkError::Size),
            400,
            "chunk size is not a hexadecimal number (RFC 9112, section 7.1)",
        ),
        (
            BodyError::Chunk(ChunkError::TooManyTrailers),
            431,
            "trailer section has too many fields",
        ),
        (
            BodyError::TooLarge { limit: 7 },
            413,
            "request body is larger than 7 bytes",
        ),
        (
            BodyError::Truncated,
            400,
            "client closed the connection before the end of the request body (RFC 9112, section 8)",
        ),
        (
            BodyError::Stalled,
            408,
            "request body stalled (client_body_timeout)",
        ),
    ] {
        assert_eq!(
            (error.status(), error.to_string().as_str()),
            (status, message)
        );
    }
}

#[test]
fn whether_all_is_received() {
    let chunked = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (framing, pending, complete) in [
        (Framing::None, "", true),
        (Framing::None, "G", false),
        (Framing::Length(5), "hello", true),
        (Framing::Length(5), "hell", false),
        (Framing::Length(5), "helloG", false),
        (Framing::Chunked, chunked, true),
        (Framing::Chunked, &chunked[..chunked.len() - 1], false),
        (Framing::Chunked, "0\r\n\r\nG", false),
        (Framing::Chunked, "", false),
        (Framing::Chunked, "x", false),
    ] {
        let decoder = decoder(framing, Some(5));
        assert_eq!(
            decoder.is_complete_with(pending.as_bytes()),
            complete,
            "{framing:?} {pending:?}"
        );
    }
    let mut begun = decoder(Framing::Chunked, Some(5));
    let (taken, _) = begun.next(chunked.as_bytes(), 2).unwrap();
    assert!(begun.is_complete_with(&chunked.as_bytes()[taken..]));
    assert!(!begun.is_done(), "asking changes nothing");
    assert!(!decoder(Framing::Chunked, Some(4)).is_complete_with(chunked.as_bytes()));
}

#[test]
fn trailers() {
    let mut decoder = decoder(Framing::Chunked, None);
    let bytes = b"0\r\nX-Sum: 1 \r\nHost: evil\r\nX_Sum: 2\r\nx-sum:3\r\n\r\n";
    assert_eq!(decoder.trailers().count(), 0);
    assert_eq!(decoder.next(bytes, 9), Ok((bytes.len(), Chunk::Done)));
    let trailers: Vec<_> = decoder.trailers().collect();
    assert_eq!(trailers, [("X-Sum", &b"1"[..]), ("x-sum", b"3")]);
}

//! Chunked bodies (RFC 9112, section 7.1): the rules one by one, then what holds for all good ones. For bad ones see
//! `properties/chunked.rs`.

use pitchfork_core::http::chunked::{LAST_CHUNK, push_chunk};
use pitchfork_core::http::{Chunk, ChunkError, ChunkedDecoder, Limits};
use proptest::collection::vec;
use proptest::prelude::*;

/// Decodes `pieces` as they arrive: the body, and how many bytes it took if it came to its end.
fn decode<'a>(
    mut decoder: ChunkedDecoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Option<usize>), ChunkError> {
    let (mut body, mut consumed) = (Vec::new(), 0);
    for mut piece in pieces {
        loop {
            let (used, chunk) = decoder.next(piece)?;
            consumed += used;
            piece = &piece[used..];
            match chunk {
                Chunk::Data(data) => {
                    assert!(!data.is_empty(), "an empty piece of data");
                    body.extend_from_slice(data);
                }
                Chunk::NeedMore => {
                    assert!(piece.is_empty(), "input left over: {piece:?}");
                    break;
                }
                Chunk::Done => return Ok((body, Some(consumed))),
            }
        }
    }
    Ok((body, None))
}

fn whole(bytes: &[u8]) -> Result<(Vec<u8>, Option<usize>), ChunkError> {
    decode(ChunkedDecoder::new(), [bytes])
}

#[test]
fn good_bodies() {
    for (bytes, body) in [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("a\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("00000000000000A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("1;a\r\nx\r\n0;b=c;d=\"e f\"\r\n\r\n", "x"),
        ("1 ; a\r\nx\r\n0\t;b\r\n\r\n", "x"),
        ("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x"),
    ] {
        let end = bytes.len();
        let followed = format!("{bytes}GET /next");
        assert_eq!(
            whole(followed.as_bytes()),
            Ok((body.into(), Some(end))),
            "{bytes:?}"
        );
    }
}

#[test]
fn bad_bodies() {
    use ChunkError::{Extension, LineEnd, Size, SizeOverflow, Trailer};
    for (bytes, error) in [
        ("\r\n", Size),
        ("\n", Size),
        (" 5\r\n", Size),
        (";a\r\n", Size),
        ("g\r\n", Size),
        ("-5\r\n", Size),
        ("+5\r\n", Size),
        ("0x5\r\n", Size),
        ("5,\r\n", Size),
        ("5\n", Size),
        ("5 \r\n", Size),
        ("5 5\r\n", Size),
        ("5\0\r\n", Size),
        ("10000000000000000\r\n", SizeOverflow),
        ("00000000000000005\r\n", SizeOverflow),
        ("5\rhello", LineEnd),
        ("5;a\n", Extension),
        ("5;a\0\r\n", Extension),
        ("5;a\rb\r\n", LineEnd),
        ("5\r\nhello0\r\n\r\n", LineEnd),
        ("5\r\nhello\n0\r\n\r\n", LineEnd),
        ("5\r\nhello\r0\r\n\r\n", LineEnd),
        ("5\r\nhello!\r\n0\r\n\r\n", LineEnd),
        ("0\r\n\n", Trailer),
        ("0\r\n\rX", LineEnd),
        ("0\r\n A: b\r\n\r\n", Trailer),
        ("0\r\n: b\r\n\r\n", Trailer),
        ("0\r\nA : b\r\n\r\n", Trailer),
        ("0\r\nA\r\n\r\n", Trailer),
        ("0\r\nA: b\n\r\n", Trailer),
        ("0\r\nA: b\r\n c\r\n\r\n", Trailer),
        ("0\r\nA: \0\r\n\r\n", Trailer),
        ("0\r\nA: b\rC: d\r\n\r\n", LineEnd),
    ] {
        assert_eq!(whole(bytes.as_bytes()), Err(error), "{bytes:?}");
    }
}

/// The largest size there is does not overflow anything; the bytes just never end.
#[test]
fn the_largest_size() {
    let (body, end) = whole(b"ffffffffffffffff\r\nabc").unwrap();
    assert_eq!((&body[..], end), (&b"abc"[..], None));
}

/// Each limit holds exactly, and its error comes with the byte that is too many.
#[test]
fn limits() {
    use ChunkError::{ExtensionsTooLong, TooManyTrailers, TrailersTooLong};
    let limits = Limits {
        chunk_extensions: 6,
        trailers: 13,
        fields: 2,
        ..Limits::default()
    };
    for (bytes, error) in [
        ("1;ab\r\nx\r\n0;cd\r\n\r\n", None),
        ("1 ;a\r\nx\r\n0\t;b\r\n\r\n", None),
        ("1;ab\r\nx\r\n0;cde", Some(ExtensionsTooLong)),
        ("0 \t \t \t ", Some(ExtensionsTooLong)),
        ("0\r\nA:b\r\nC: def\r\n\r\n", None),
        ("0\r\nA:b\r\nC: defg\r\n", Some(TrailersTooLong)),
        ("0\r\nabcdefghijklmn", Some(TrailersTooLong)),
        ("0\r\nA:\r\nB:\r\n\r\n", None),
        ("0\r\nA:\r\nB:\r\nC", Some(TooManyTrailers)),
    ] {
        let mut decoder = ChunkedDecoder::with_limits(&limits);
        for (at, byte) in bytes.bytes().enumerate() {
            let last = at + 1 == bytes.len();
            let result = decoder.next(&[byte]).map(|(_, chunk)| chunk == Chunk::Done);
            let expected = match error {
                Some(error) if last => Err(error),
                _ => Ok(last),
            };
            assert_eq!(result, expected, "byte {at} of {bytes:?}");
        }
        let whole = decode(ChunkedDecoder::with_limits(&limits), [bytes.as_bytes()]);
        assert_eq!(whole.err(), error, "{bytes:?}");
    }
    let statuses = [TrailersTooLong, TooManyTrailers, ChunkError::Size].map(|error| error.status());
    assert_eq!(statuses, [431, 431, 400]);
}

/// RFC 9112, section 7.1.2: known at the end, and only what is permitted (RFC 9110, section 6.5.1).
#[test]
fn trailers() {
    let mut decoder = ChunkedDecoder::new();
    let bytes =
        b"0\r\nX-A: 1\r\nContent-Length: 5\r\nX_A: 2\r\nx-a:\t 3 \r\nX-E:\r\n\r\nX-B: 4\r\n";
    let end = bytes.len() - 8;
    decoder.next(&bytes[..end - 1]).unwrap();
    assert_eq!(decoder.trailers().count(), 0);
    assert_eq!(decoder.next(&bytes[end - 1..]), Ok((1, Chunk::Done)));
    let fields: Vec<_> = decoder.trailers().collect();
    assert_eq!(fields, [("X-A", &b"1"[..]), ("x-a", b"3"), ("X-E", b"")]);
}

#[test]
fn an_error_stays() {
    let mut decoder = ChunkedDecoder::new();
    assert_eq!(decoder.next(b"x"), Err(ChunkError::Size));
    assert_eq!(decoder.next(b"0\r\n\r\n"), Err(ChunkError::Size));
    assert_eq!(
        ChunkError::Size.to_string(),
        "chunk size is not a hexadecimal number (RFC 9112, section 7.1)"
    );
}

#[test]
fn done_stays() {
    let mut decoder = ChunkedDecoder::new();
    assert_eq!(decoder.next(b"0\r\n\r\nGET"), Ok((5, Chunk::Done)));
    assert_eq!(decoder.next(b"GET"), Ok((0, Chunk::Done)));
}

#[test]
fn encoding() {
    for (data, chunk) in [
        (0, ""),
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (4096, "1000\r\n"),
    ] {
        let mut out = Vec::new();
        push_chunk(&mut out, &vec![b'x'; data]);
        assert_eq!(String::from_utf8_lossy(&out[..chunk.len()]), chunk);
        assert_eq!(
            out.len(),
            if data == 0 { 0 } else { chunk.len() + data + 2 }
        );
    }
}

proptest! {
    /// Encoded and decoded in any pieces, a body is the same, and nothing behind it is touched.
    #[test]
    fn round_trip(
        chunks in vec(vec(any::<u8>(), 0..50), 0..8),
        trailers in "([A-Za-z-]{1,8}: [ -~]{0,20}\r\n){0,3}",
        cuts in vec(any::<prop::sample::Index>(), 0..12),
        rest in vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            push_chunk(&mut bytes, chunk);
        }
        bytes.extend_from_slice(&LAST_CHUNK[..3]);
        bytes.extend_from_slice(trailers.as_bytes());
        bytes.extend_from_slice(&LAST_CHUNK[3..]);
        let end = bytes.len();
        bytes.extend(rest);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(decode(ChunkedDecoder::new(), pieces), Ok((chunks.concat(), Some(end))));
    }
}

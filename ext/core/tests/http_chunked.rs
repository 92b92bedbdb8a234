//! Chunked bodies (RFC 9112, section 7.1): the rules one by one, then what holds for all.

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

#[test]
fn limits() {
    let limits = Limits {
        chunk_extensions: 6,
        trailers: 8,
        ..Limits::default()
    };
    let limited = |bytes: &str| {
        decode(ChunkedDecoder::with_limits(&limits), [bytes.as_bytes()]).map(|(_, end)| end)
    };
    let fits = "1;ab\r\nx\r\n0;cd\r\nA: bc\r\n\r\n";
    assert_eq!(limited(fits), Ok(Some(fits.len())));
    assert_eq!(
        limited("1;ab\r\nx\r\n0;cde\r\n\r\n"),
        Err(ChunkError::ExtensionsTooLong)
    );
    let error = ChunkError::TrailersTooLong;
    assert_eq!(limited("0\r\nA: bcde\r\n\r\n"), Err(error));
    assert_eq!((error.status(), ChunkError::Size.status()), (431, 400));
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

    /// Any bytes: no panic, and byte by byte the result is that of the whole.
    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(decode(ChunkedDecoder::new(), bytes.chunks(1)), whole(&bytes));
    }

    /// The same with bytes that get further.
    #[test]
    fn nearly_bodies(text in "([0-3]{1,2}( ?;[a-z]{0,3})?\r\n[a-z]{0,3}\r\n){0,4}0\r\n([A-Z]:[a-z]?\r\n){0,2}\r?\n?") {
        let bytes = text.as_bytes();
        prop_assert_eq!(decode(ChunkedDecoder::new(), bytes.chunks(1)), whole(bytes));
    }
}

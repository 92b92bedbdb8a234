//! Chunked bodies. An input is the bytes of one, and what follows it.

use pitchfork_core::http::chunked::{LAST_CHUNK, push_chunk};
use pitchfork_core::http::trailer::is_permitted;
use pitchfork_core::http::{Chunk, ChunkError, ChunkedDecoder, Limits};

use super::STEPS;

/// So small that a fuzzer finds them.
fn tight() -> Limits {
    Limits {
        fields: 3,
        chunk_extensions: 12,
        trailers: 40,
        ..Limits::default()
    }
}

type Trailers = Vec<(String, Vec<u8>)>;

/// The body as far as it was decoded, how many bytes it took, and how it ended: with trailers, not yet, or badly.
#[derive(Debug, PartialEq)]
struct Decoded {
    body: Vec<u8>,
    consumed: usize,
    end: Result<Option<Trailers>, ChunkError>,
}

fn decode<'a>(limits: &Limits, pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = ChunkedDecoder::with_limits(limits);
    let (mut body, mut consumed) = (Vec::new(), 0);
    let end = 'end: {
        for mut piece in pieces {
            loop {
                let (taken, chunk) = match decoder.next(piece) {
                    Ok(next) => next,
                    Err(error) => {
                        assert_eq!(decoder.next(piece), Err(error), "an error stays");
                        break 'end Err(error);
                    }
                };
                consumed += taken;
                piece = &piece[taken..];
                match chunk {
                    Chunk::Data(data) => {
                        assert!(!data.is_empty());
                        body.extend_from_slice(data);
                    }
                    Chunk::NeedMore => {
                        assert!(piece.is_empty());
                        break;
                    }
                    Chunk::Done => {
                        assert_eq!(decoder.next(piece), Ok((0, Chunk::Done)), "the end stays");
                        let trailers = decoder.trailers();
                        let owned = trailers.map(|(name, value)| (name.into(), value.into()));
                        break 'end Ok(Some(owned.collect()));
                    }
                }
            }
            assert_eq!(decoder.trailers().count(), 0, "before the end");
        }
        Ok(None)
    };
    // What was consumed before an error depends on the pieces.
    let consumed = if end.is_err() { 0 } else { consumed };
    Decoded {
        body,
        consumed,
        end,
    }
}

pub fn check(bytes: &[u8]) {
    for limits in [Limits::default(), tight()] {
        let whole = decode(&limits, [bytes].into_iter());
        assert!(whole.body.len() <= bytes.len());
        for step in STEPS {
            let pieces = decode(&limits, bytes.chunks(step));
            assert_eq!(pieces, whole, "in pieces of {step}");
        }
        if let Ok(Some(trailers)) = &whole.end {
            check_end(&bytes[..whole.consumed], &whole.body, trailers);
            check_round_trip(&whole.body, trailers);
        }
    }
}

/// What has to be true of a body that was accepted, found out in another way than the decoder does.
fn check_end(bytes: &[u8], body: &[u8], trailers: &Trailers) {
    let (mut rest, mut expected) = (bytes, Vec::new());
    loop {
        let line = take_line(&mut rest);
        let digits = line
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let size = std::str::from_utf8(&line[..digits]).unwrap();
        let size = usize::from_str_radix(size, 16).expect("a size");
        assert!(
            line[digits..]
                .trim_ascii_start()
                .first()
                .is_none_or(|byte| *byte == b';')
        );
        if size == 0 {
            break;
        }
        let (data, behind) = rest.split_at(size);
        expected.extend_from_slice(data);
        rest = behind.strip_prefix(b"\r\n").expect("CRLF behind the data");
    }
    assert_eq!(expected, body);
    let mut permitted = Vec::new();
    loop {
        let line = take_line(&mut rest);
        if line.is_empty() {
            break;
        }
        assert!(
            !line
                .iter()
                .any(|byte| byte.is_ascii_control() && *byte != b'\t')
        );
        let colon = line.iter().position(|byte| *byte == b':').expect("a colon");
        let name = std::str::from_utf8(&line[..colon]).expect("a name");
        if is_permitted(name) {
            permitted.push((name.to_owned(), line[colon + 1..].trim_ascii().to_vec()));
        }
    }
    assert_eq!((&permitted, rest), (trailers, &b""[..]));
}

fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let at = rest
        .windows(2)
        .position(|two| two == b"\r\n")
        .expect("a line");
    let line = &rest[..at];
    *rest = &rest[at + 2..];
    line
}

/// Encoded and decoded again, a body and its trailers are the same.
fn check_round_trip(body: &[u8], trailers: &Trailers) {
    let mut bytes = Vec::new();
    for chunk in body.chunks(7) {
        push_chunk(&mut bytes, chunk);
    }
    bytes.extend_from_slice(&LAST_CHUNK[..3]);
    for (name, value) in trailers {
        bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(&LAST_CHUNK[3..]);
    // The section may be longer than it was, by a space for each field.
    let again = decode(
        &Limits {
            trailers: usize::MAX,
            ..Limits::default()
        },
        [&bytes[..]].into_iter(),
    );
    assert_eq!(
        (&again.body[..], &again.end),
        (body, &Ok(Some(trailers.clone())))
    );
    assert_eq!(again.consumed, bytes.len());
}

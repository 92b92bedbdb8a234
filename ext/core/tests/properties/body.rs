//! Request bodies. Of an input, the first byte says how the body is delimited, the second how long it is or how long
//! it may be, the third how much is read at once; the rest is what the client sends.

use pitchfork_core::http::{BodyDecoder, BodyError, Chunk, Framing, Limits};

use super::STEPS;

/// The body as far as it was decoded, how many bytes it took, and how it ended: well, not yet, or badly.
#[derive(Debug, PartialEq)]
struct Decoded {
    body: Vec<u8>,
    consumed: usize,
    end: Result<bool, BodyError>,
}

/// Reads as a server does: what was not taken stands in front of what arrives next.
fn decode(mut decoder: BodyDecoder, bytes: &[u8], step: usize, most: usize) -> Decoded {
    let (mut body, mut consumed, mut received) = (Vec::new(), 0, 0);
    let end = loop {
        match decoder.next(&bytes[consumed..received], most) {
            Ok((taken, Chunk::Data(data))) => {
                assert!((1..=most.max(1)).contains(&data.len()) && taken >= data.len());
                assert!(bytes[consumed..consumed + taken].ends_with(data));
                body.extend_from_slice(data);
                consumed += taken;
            }
            Ok((taken, Chunk::NeedMore)) => {
                consumed += taken;
                assert!(consumed == received && !decoder.is_done());
                if received == bytes.len() {
                    break Ok(false);
                }
                received = bytes.len().min(received + step);
            }
            Ok((taken, Chunk::Done)) => {
                consumed += taken;
                assert!(decoder.is_done());
                assert_eq!(decoder.next(&bytes[consumed..], most), Ok((0, Chunk::Done)));
                break Ok(true);
            }
            Err(error) => {
                assert_eq!(decoder.next(&bytes[consumed..], most), Err(error));
                assert!(!decoder.is_done() && !decoder.is_complete_with(b""));
                break Err(error);
            }
        }
        let rest = &bytes[consumed..];
        let complete = decoder.is_complete_with(rest);
        assert_eq!(
            complete,
            ends_exactly(decoder.clone(), rest),
            "at {consumed}"
        );
    };
    // What was consumed before an error depends on the pieces.
    let consumed = if end.is_err() { 0 } else { consumed };
    Decoded {
        body,
        consumed,
        end,
    }
}

fn ends_exactly(mut decoder: BodyDecoder, mut rest: &[u8]) -> bool {
    while let Ok((taken, chunk)) = decoder.next(rest, 5) {
        rest = &rest[taken..];
        match chunk {
            Chunk::Data(_) => {}
            Chunk::NeedMore => return false,
            Chunk::Done => return rest.is_empty(),
        }
    }
    false
}

pub fn check(input: &[u8]) {
    let [kind, number, most, bytes @ ..] = input else {
        return;
    };
    let number = u64::from(*number);
    let (framing, maximum) = match kind % 6 {
        0 => (Framing::None, None),
        1 => (Framing::Length(number), None),
        2 => (Framing::Length(number), Some(64)),
        3 => (Framing::Length(u64::MAX - number), None),
        4 => (Framing::Chunked, None),
        _ => (Framing::Chunked, Some(number)),
    };
    let limits = Limits {
        fields: 3,
        chunk_extensions: 12,
        trailers: 40,
        ..Limits::default()
    };
    let decoder = match BodyDecoder::new(framing, &limits, maximum) {
        Ok(decoder) => decoder,
        Err(error) => {
            assert!(number > 64 && error == BodyError::TooLarge { limit: 64 });
            return;
        }
    };
    let whole = decode(decoder.clone(), bytes, usize::MAX, usize::MAX);
    for step in STEPS {
        for most in [usize::from(*most), usize::MAX] {
            let pieces = decode(decoder.clone(), bytes, step, most);
            assert_eq!(pieces, whole, "in pieces of {step}, read by {most}");
        }
    }
    assert!(whole.body.len() <= bytes.len());
    assert!(whole.body.len() as u64 <= maximum.unwrap_or(u64::MAX));
    if let (Framing::Length(length), Ok(done)) = (framing, &whole.end) {
        assert_eq!(*done, whole.body.len() as u64 == length);
    }
    // A maximum changes nothing about a body that is not larger.
    if let (Some(limit), Ok(_)) = (maximum, &whole.end) {
        let free = BodyDecoder::new(framing, &limits, None).unwrap();
        assert_eq!(
            decode(free, bytes, usize::MAX, usize::MAX),
            whole,
            "without {limit}"
        );
    }
}

//! Chunked transfer coding (RFC 9112, section 7.1), incrementally.
//!
//! ```text
//! chunked-body = *chunk last-chunk trailer-section CRLF
//! chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//! last-chunk   = 1*("0") [ chunk-ext ] CRLF
//! ```
//!
//! Every line ends in CRLF: chunk lines with a bare LF are a known way to make two servers see different bodies.

use std::fmt;

use super::head::MAX_FIELDS;
use super::trailer::Trailers;
use super::{Limits, grammar};

/// What [`ChunkedDecoder::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Bytes of the body, at least one. One chunk may come in several pieces.
    Data(&'a [u8]),
    /// The input is used up and the body goes on.
    NeedMore,
    /// The body and its trailer section have ended. Nothing more is consumed.
    Done,
}

/// Why a chunked body is refused. Where it ends is unknown then: the connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// The chunk size is not a hexadecimal number.
    Size,
    /// The chunk size has more than 16 digits.
    SizeOverflow,
    /// A chunk extension has a control character.
    Extension,
    /// The chunk extensions are longer than the limit.
    ExtensionsTooLong,
    /// A CR without LF, or chunk data without CRLF behind it.
    LineEnd,
    /// A trailer field is no field line.
    Trailer,
    /// The trailer section is longer than the limit.
    TrailersTooLong,
    /// There are more trailer fields than the limit.
    TooManyTrailers,
}

impl ChunkError {
    /// The status to answer with, if an answer is still possible: 400 or 431.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::TrailersTooLong | Self::TooManyTrailers => 431,
            _ => 400,
        }
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "chunk size is not a hexadecimal number (RFC 9112, section 7.1)",
            Self::SizeOverflow => "chunk size has more than 16 digits",
            Self::Extension => "chunk extension has a control character (RFC 9112, section 7.1.1)",
            Self::ExtensionsTooLong => "chunk extensions are too long",
            Self::LineEnd => "chunk does not end in CRLF (RFC 9112, section 7.1)",
            Self::Trailer => "trailer field is not a field line (RFC 9112, section 7.1.2)",
            Self::TrailersTooLong => "trailer section is too long",
            Self::TooManyTrailers => "trailer section has too many fields",
        })
    }
}

impl std::error::Error for ChunkError {}

/// Where in the grammar the next byte stands.
#[derive(Clone, Copy, Debug)]
enum State {
    Size {
        digits: u8,
    },
    /// White space behind a size: only an extension may follow.
    Blank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
    Failed(ChunkError),
}

/// Takes a chunked body apart as its bytes arrive. Data is passed on as slices of the input, and none of it is kept.
///
/// Chunk extensions are checked, bounded and dropped. Trailer fields are checked, bounded and kept, for
/// [`trailers`](Self::trailers): the only thing that needs memory, at most [`Limits::trailers`].
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::{Chunk, ChunkedDecoder};
///
/// let mut decoder = ChunkedDecoder::new();
/// assert_eq!(decoder.next(b"5\r\nhel"), Ok((6, Chunk::Data(b"hel"))));
/// assert_eq!(decoder.next(b"lo\r\n0\r\n"), Ok((2, Chunk::Data(b"lo"))));
/// assert_eq!(decoder.next(b"\r\n0\r\n"), Ok((5, Chunk::NeedMore)));
/// assert_eq!(decoder.next(b"\r\nGET "), Ok((2, Chunk::Done)));
/// ```
#[derive(Clone, Debug)]
pub struct ChunkedDecoder {
    state: State,
    /// Of the current chunk: the size as far as it is read, then the bytes still to come.
    remaining: u64,
    extensions_left: usize,
    /// The trailer section as far as it is read, without the empty line.
    trailers: Vec<u8>,
    trailers_most: usize,
    trailer_fields_left: usize,
}

impl Default for ChunkedDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkedDecoder {
    /// A decoder at the beginning of a body, with the default [`Limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(&Limits::default())
    }

    /// A decoder at the beginning of a body.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self {
            state: State::Size { digits: 0 },
            remaining: 0,
            extensions_left: limits.chunk_extensions,
            trailers: Vec::new(),
            trailers_most: limits.trailers,
            trailer_fields_left: limits.fields.min(MAX_FIELDS),
        }
    }

    /// Reads on in `input` up to the next piece of data, its end, or the end of the body. Returns how many bytes
    /// of `input` that took; the rest is to be passed in again, in front of what arrives later.
    ///
    /// # Errors
    ///
    /// A [`ChunkError`]; the same one from then on.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Chunk<'a>), ChunkError> {
        self.next_within(input, usize::MAX)
    }

    /// Like [`next`](Self::next), with no more than `most` bytes of data; 0 counts as 1.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_within<'a>(
        &mut self,
        input: &'a [u8],
        most: usize,
    ) -> Result<(usize, Chunk<'a>), ChunkError> {
        let mut at = 0;
        loop {
            match self.state {
                State::Done => return Ok((at, Chunk::Done)),
                State::Failed(error) => return Err(error),
                _ => {}
            }
            let rest = &input[at..];
            let Some(&byte) = rest.first() else {
                return Ok((at, Chunk::NeedMore));
            };
            if let State::Data = self.state {
                let data = &rest[..self.take(rest.len().min(most.max(1)))];
                return Ok((at + data.len(), Chunk::Data(data)));
            }
            at += 1;
            self.state = self.step(byte).unwrap_or_else(State::Failed);
        }
    }

    /// The trailer fields that the application may see, once the body is [`Chunk::Done`]; none before that.
    pub fn trailers(&self) -> Trailers<'_> {
        Trailers::new(match self.state {
            State::Done => &self.trailers,
            _ => &[],
        })
    }

    /// How much data of the current chunk is still to come: all of it once its size line is read.
    pub(super) fn chunk_left(&self) -> u64 {
        match self.state {
            State::Data => self.remaining,
            _ => 0,
        }
    }

    /// How many of `available` bytes belong to the current chunk; at least one of them does.
    fn take(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.remaining).map_or(available, |left| left.min(available));
        self.remaining -= taken as u64;
        if self.remaining == 0 {
            self.state = State::DataCr;
        }
        taken
    }

    /// The state after `byte`, anywhere but in the data.
    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        match (self.state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (State::Size { digits: 0 }, _) => Err(ChunkError::Size),
            (State::Size { .. } | State::Extension, b'\r') => Ok(State::SizeLf),
            (State::Size { .. } | State::Blank, b';') => self.extension(State::Extension),
            (State::Size { .. } | State::Blank, b' ' | b'\t') => self.extension(State::Blank),
            (State::Size { .. } | State::Blank, _) => Err(ChunkError::Size),
            (State::Extension, _) if grammar::is_field_byte(byte) => {
                self.extension(State::Extension)
            }
            (State::Extension, _) => Err(ChunkError::Extension),
            (State::SizeLf, b'\n') if self.remaining == 0 => Ok(State::TrailerStart),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size { digits: 0 }),
            (State::TrailerStart, b'\r') => Ok(State::EndLf),
            (State::TrailerStart, _) if grammar::is_tchar(byte) => {
                self.trailer_fields_left =
                    (self.trailer_fields_left.checked_sub(1)).ok_or(ChunkError::TooManyTrailers)?;
                self.trailer(byte, State::TrailerName)
            }
            (State::TrailerName, _) if grammar::is_tchar(byte) => {
                self.trailer(byte, State::TrailerName)
            }
            (State::TrailerName, b':') => self.trailer(byte, State::TrailerValue),
            (State::TrailerValue, b'\r') => self.trailer(byte, State::TrailerLf),
            (State::TrailerValue, _) if grammar::is_field_byte(byte) => {
                self.trailer(byte, State::TrailerValue)
            }
            (State::TrailerLf, b'\n') => self.trailer(byte, State::TrailerStart),
            (State::TrailerStart | State::TrailerName | State::TrailerValue, _) => {
                Err(ChunkError::Trailer)
            }
            (State::EndLf, b'\n') => Ok(State::Done),
            _ => Err(ChunkError::LineEnd),
        }
    }

    /// 16 digits fill 64 bits. More could still be zeros in front, but "recipients MUST anticipate potentially large
    /// hexadecimal numerals and prevent parsing errors due to integer conversion overflows" (section 7.1).
    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, ChunkError> {
        if digits == 16 {
            return Err(ChunkError::SizeOverflow);
        }
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        self.remaining = self.remaining << 4 | u64::from(value);
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension(&mut self, next: State) -> Result<State, ChunkError> {
        self.extensions_left = self
            .extensions_left
            .checked_sub(1)
            .ok_or(ChunkError::ExtensionsTooLong)?;
        Ok(next)
    }

    fn trailer(&mut self, byte: u8, next: State) -> Result<State, ChunkError> {
        if self.trailers.len() >= self.trailers_most {
            return Err(ChunkError::TrailersTooLong);
        }
        self.trailers.push(byte);
        Ok(next)
    }
}

/// The end of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends `data` as one chunk; nothing if it is empty, because an empty chunk would end the body.
pub fn push_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    push_chunk_size(out, data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line in front of a chunk of `size` bytes, which must not be 0, for a caller that sends the data from
/// where it is. A CRLF has to follow the data.
pub fn push_chunk_size(out: &mut Vec<u8>, size: usize) {
    debug_assert_ne!(size, 0, "an empty chunk would end the body");
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[size >> (place * 4) & 0xf]);
    }
    out.extend_from_slice(b"\r\n");
}

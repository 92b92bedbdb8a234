//! The body of a request, out of the bytes that carry it (RFC 9112, sections 6.3 and 7.1).

use std::fmt;

use super::trailer::Trailers;
use super::{Chunk, ChunkError, ChunkedDecoder, Framing, Limits};

/// Why a request body cannot be read to its end. Where the next request would begin is unknown then: the connection
/// has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is not a chunked body, though it has to be one.
    Chunk(ChunkError),
    /// It is larger than the maximum.
    TooLarge {
        /// The maximum, in bytes.
        limit: u64,
    },
    /// The client closed the connection before the end (RFC 9112, section 8). For the caller to report.
    Truncated,
    /// It does not come, or too slowly ([`Pace`](super::Pace)). For the caller to report.
    Stalled,
}

impl BodyError {
    /// The status to answer with if no response has begun: 400, 408, 413 or 431.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Chunk(error) => error.status(),
            Self::TooLarge { .. } => 413,
            Self::Truncated => 400,
            Self::Stalled => 408,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk(error) => error.fmt(f),
            Self::TooLarge { limit } => write!(f, "request body is larger than {limit} bytes"),
            Self::Truncated => f.write_str(
                "client closed the connection before the end of the request body (RFC 9112, section 8)",
            ),
            Self::Stalled => f.write_str("request body stalled (client_body_timeout)"),
        }
    }
}

impl std::error::Error for BodyError {}

impl From<ChunkError> for BodyError {
    fn from(error: ChunkError) -> Self {
        Self::Chunk(error)
    }
}

/// How far the body is read.
#[derive(Clone, Debug)]
enum State {
    /// So many bytes are to come; not 0.
    Length(u64),
    Chunked(ChunkedDecoder),
    /// All is read. The decoder of a chunked body keeps its trailers.
    Done(Option<ChunkedDecoder>),
    Failed(BodyError),
}

/// Takes a request body out of the bytes behind the head, however it is delimited, as they arrive. Data is passed on
/// as slices of the input.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::{BodyDecoder, Chunk, Framing, Limits};
///
/// let mut body = BodyDecoder::new(Framing::Length(5), &Limits::default(), None)?;
/// assert_eq!(body.next(b"hel", 100), Ok((3, Chunk::Data(b"hel"))));
/// assert_eq!(body.next(b"", 100), Ok((0, Chunk::NeedMore)));
/// assert_eq!(body.next(b"loGET /", 1), Ok((1, Chunk::Data(b"l"))));
/// assert_eq!(body.next(b"oGET /", 1), Ok((1, Chunk::Data(b"o"))));
/// assert_eq!(body.next(b"GET /", 1), Ok((0, Chunk::Done)));
/// # Ok::<(), pitchfork_core::http::BodyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    maximum: Option<u64>,
    /// Of the maximum, for a chunked body.
    left: u64,
}

impl BodyDecoder {
    /// A decoder at the beginning of a body that may have `maximum` bytes, not counting how it is encoded.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLarge`] if the length is announced and above the maximum: nothing has to be read to know.
    pub fn new(framing: Framing, limits: &Limits, maximum: Option<u64>) -> Result<Self, BodyError> {
        let state = match (framing, maximum) {
            (Framing::Length(length), Some(limit)) if length > limit => {
                return Err(BodyError::TooLarge { limit });
            }
            (Framing::None | Framing::Length(0), _) => State::Done(None),
            (Framing::Length(length), _) => State::Length(length),
            (Framing::Chunked, _) => State::Chunked(ChunkedDecoder::with_limits(limits)),
        };
        Ok(Self {
            state,
            maximum,
            left: maximum.unwrap_or(u64::MAX),
        })
    }

    /// Reads on in `input` up to the next piece of data, which has at most `most` bytes (0 counts as 1), the end of
    /// the input, or the end of the body. Returns how many bytes of `input` that took; the rest is to be passed in
    /// again, in front of what arrives later. `NeedMore` means that all of it was taken.
    ///
    /// # Errors
    ///
    /// A [`BodyError`]; the same one from then on. A chunk that does not fit into the maximum is refused when its
    /// size is read, before its data comes.
    pub fn next<'a>(
        &mut self,
        input: &'a [u8],
        most: usize,
    ) -> Result<(usize, Chunk<'a>), BodyError> {
        match &mut self.state {
            State::Done(_) => Ok((0, Chunk::Done)),
            State::Failed(error) => Err(*error),
            State::Length(_) if input.is_empty() => Ok((0, Chunk::NeedMore)),
            State::Length(left) => {
                let most = usize::try_from(*left).map_or(most, |left| left.min(most));
                let data = &input[..input.len().min(most.max(1))];
                *left -= data.len() as u64;
                if *left == 0 {
                    self.state = State::Done(None);
                }
                Ok((data.len(), Chunk::Data(data)))
            }
            State::Chunked(_) => {
                (self.next_chunked(input, most)).inspect_err(|&error| self.fail(error))
            }
        }
    }

    fn next_chunked<'a>(
        &mut self,
        input: &'a [u8],
        most: usize,
    ) -> Result<(usize, Chunk<'a>), BodyError> {
        let State::Chunked(decoder) = &mut self.state else {
            return Ok((0, Chunk::Done)); // not reached: the caller has looked
        };
        let (taken, chunk) = decoder.next_within(input, most)?;
        let data = match chunk {
            Chunk::Data(data) => data.len() as u64,
            Chunk::NeedMore | Chunk::Done => 0,
        };
        // Without a maximum there is no sum that could overflow within the age of the universe.
        if let Some(limit) = self.maximum {
            if decoder.chunk_left().saturating_add(data) > self.left {
                return Err(BodyError::TooLarge { limit });
            }
            self.left -= data;
        }
        if chunk == Chunk::Done {
            let decoder = std::mem::take(decoder);
            self.state = State::Done(Some(decoder));
        }
        Ok((taken, chunk))
    }

    /// Makes every further [`next`](Self::next) fail with `error`, unless it failed or the body ended before: for
    /// what the decoder cannot see ([`BodyError::Truncated`], [`BodyError::Stalled`]).
    pub fn fail(&mut self, error: BodyError) {
        if matches!(self.state, State::Length(_) | State::Chunked(_)) {
            self.state = State::Failed(error);
        }
    }

    /// Whether all of the body was passed on.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// Whether `pending`, the bytes that were received and not taken yet, are exactly the rest of the body: then
    /// the client has said all it had to say, and nothing else.
    #[must_use]
    pub fn is_complete_with(&self, pending: &[u8]) -> bool {
        match &self.state {
            State::Done(_) => pending.is_empty(),
            State::Failed(_) => false,
            State::Length(left) => *left == pending.len() as u64,
            State::Chunked(_) => self.clone().ends_with(pending),
        }
    }

    fn ends_with(mut self, mut pending: &[u8]) -> bool {
        loop {
            match self.next(pending, usize::MAX) {
                Ok((taken, Chunk::Data(_))) => pending = &pending[taken..],
                Ok((taken, Chunk::Done)) => return taken == pending.len(),
                Ok((_, Chunk::NeedMore)) | Err(_) => return false,
            }
        }
    }

    /// The trailer fields that the application may see (RFC 9110, section 6.5), once the body is [`Chunk::Done`];
    /// none before that, and none in a body that is not chunked.
    pub fn trailers(&self) -> Trailers<'_> {
        match &self.state {
            State::Done(Some(decoder)) => decoder.trailers(),
            _ => Trailers::new(&[]),
        }
    }
}

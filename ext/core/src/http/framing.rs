//! Where a request's body ends (RFC 9112, section 6.3).
//!
//! This decision is what request smuggling attacks: two servers in a row that disagree about it see different
//! requests. So there is one way to say it, and everything else is refused instead of repaired.

use super::{HeadError, grammar};

/// How the body of a request is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body: neither `Content-Length` nor `Transfer-Encoding`.
    None,
    /// That many bytes, possibly 0.
    Length(u64),
    /// To be read by a [`ChunkedDecoder`](super::ChunkedDecoder).
    Chunked,
}

/// What the fields of one head have said about the body so far.
#[derive(Default)]
pub(super) struct Announced {
    length: Option<u64>,
    chunked: bool,
}

impl Announced {
    /// Notes a `Content-Length`. A list is refused even if its members agree; separate fields may repeat the same
    /// number (RFC 9110, section 8.6, allows either).
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), HeadError> {
        let length = grammar::decimal(value).ok_or(HeadError::ContentLength)?;
        match self.length.replace(length) {
            Some(earlier) if earlier != length => Err(HeadError::ContentLengthConflict),
            _ => Ok(()),
        }
    }

    /// Notes a `Transfer-Encoding`. Other codings would be due a 501 and a non-final `chunked` a 400 (sections 6.1
    /// and 6.3); since no client sends either in earnest, all of them get the 400.
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HeadError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(HeadError::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// Decides. "A server MAY reject a request that contains both Content-Length and Transfer-Encoding" (section
    /// 6.1): we do. A Transfer-Encoding in HTTP/1.0 means faulty framing, says the same section.
    pub(super) fn framing(&self, minor_version: u8) -> Result<Framing, HeadError> {
        match (self.chunked, self.length) {
            (false, None) => Ok(Framing::None),
            (false, Some(length)) => Ok(Framing::Length(length)),
            (true, _) if minor_version == 0 => Err(HeadError::TransferEncodingVersion),
            (true, Some(_)) => Err(HeadError::FramingConflict),
            (true, None) => Ok(Framing::Chunked),
        }
    }
}

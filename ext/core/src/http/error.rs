//! Why a request head is refused.

use std::fmt;

/// Why a request head is refused: what was wrong, and through [`status`](Self::status) what to answer.
///
/// The connection has to be closed after the answer: where the next request would begin is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// The request line does not begin with a token.
    Method,
    /// The method is longer than the limit.
    MethodTooLong {
        /// [`Limits::method`](super::Limits::method)
        limit: usize,
    },
    /// The request target fits no form that its method allows.
    Target,
    /// The request target has a fragment.
    Fragment,
    /// What stands where `HTTP/1.1` should is no HTTP version.
    Version,
    /// The HTTP version is well-formed, and neither 1.1 nor 1.0.
    VersionNotSupported,
    /// A line ends in something else than CRLF, or there is more than one empty line before the request line.
    LineEnd,
    /// A field name is no token, or white space stands before or after it (which is what a folded line is).
    FieldName,
    /// A field value contains a control character.
    FieldValue,
    /// The request line is longer than the limit.
    RequestLineTooLong {
        /// [`Limits::request_line`](super::Limits::request_line)
        limit: usize,
    },
    /// A field line is longer than the limit.
    FieldTooLarge {
        /// [`Limits::field`](super::Limits::field)
        limit: usize,
    },
    /// There are more field lines than the limit.
    TooManyFields {
        /// [`Limits::fields`](super::Limits::fields)
        limit: usize,
    },
    /// The head is longer than the limit.
    HeadTooLarge {
        /// [`Limits::head`](super::Limits::head)
        limit: usize,
    },
    /// HTTP/1.1 without `Host`.
    HostMissing,
    /// More than one `Host`.
    HostRepeated,
    /// `Host`, or the authority of the request target, is no host with an optional port.
    HostInvalid,
    /// `Content-Length` is not a decimal number below 2^64.
    ContentLength,
    /// Two `Content-Length` fields differ.
    ContentLengthConflict,
    /// `Transfer-Encoding` is something else than one `chunked`.
    TransferEncoding,
    /// `Transfer-Encoding` in HTTP/1.0.
    TransferEncodingVersion,
    /// `Transfer-Encoding` and `Content-Length` together.
    FramingConflict,
}

impl HeadError {
    /// The status to answer with: 400, 414, 431, 501 or 505.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::RequestLineTooLong { .. } => 414,
            Self::FieldTooLarge { .. } | Self::TooManyFields { .. } | Self::HeadTooLarge { .. } => {
                431
            }
            Self::MethodTooLong { .. } => 501,
            Self::VersionNotSupported => 505,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::Method => "request method is not a token (RFC 9110, section 9.1)",
            Self::MethodTooLong { limit } => {
                return write!(f, "request method is longer than {limit} bytes");
            }
            Self::Target => "request target has no form its method allows (RFC 9112, section 3.2)",
            Self::Fragment => "request target has a fragment (RFC 9112, section 3.2)",
            Self::Version => "HTTP version is malformed (RFC 9112, section 2.3)",
            Self::VersionNotSupported => "HTTP version is neither 1.1 nor 1.0",
            Self::LineEnd => "line does not end in CRLF (RFC 9112, section 2.2)",
            Self::FieldName => {
                "field name is not a token followed by a colon (RFC 9112, section 5.1)"
            }
            Self::FieldValue => "field value has a control character (RFC 9110, section 5.5)",
            Self::RequestLineTooLong { limit } => {
                return write!(f, "request line is longer than {limit} bytes");
            }
            Self::FieldTooLarge { limit } => {
                return write!(f, "field line is longer than {limit} bytes");
            }
            Self::TooManyFields { limit } => {
                return write!(f, "request has more than {limit} fields");
            }
            Self::HeadTooLarge { limit } => {
                return write!(f, "request head is longer than {limit} bytes");
            }
            Self::HostMissing => "Host is missing (RFC 9112, section 3.2)",
            Self::HostRepeated => "Host is repeated (RFC 9112, section 3.2)",
            Self::HostInvalid => "Host is not a host with an optional port (RFC 9110, section 7.2)",
            Self::ContentLength => {
                "Content-Length is not a decimal number below 2^64 (RFC 9110, section 8.6)"
            }
            Self::ContentLengthConflict => {
                "Content-Length is repeated with another value (RFC 9112, section 6.3)"
            }
            Self::TransferEncoding => {
                "Transfer-Encoding is not exactly one \"chunked\" (RFC 9112, section 6.3)"
            }
            Self::TransferEncodingVersion => {
                "Transfer-Encoding is not allowed in HTTP/1.0 (RFC 9112, section 6.1)"
            }
            Self::FramingConflict => {
                "Transfer-Encoding and Content-Length exclude each other (RFC 9112, section 6.3)"
            }
        };
        f.write_str(text)
    }
}

impl std::error::Error for HeadError {}

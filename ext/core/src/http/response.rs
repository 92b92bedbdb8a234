//! The head of a response, and how its body has to be sent (RFC 9112, sections 4 and 6).

use std::fmt;

use super::{Head, grammar, status};

/// What the response has to know about its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// Whether the method is HEAD.
    pub head_method: bool,
    /// Whether the method is CONNECT, after whose 2xx the connection is a tunnel.
    pub connect_method: bool,
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    pub minor_version: u8,
}

impl RequestFacts {
    /// Of a request that could not be read.
    pub const UNKNOWN: Self = Self {
        head_method: false,
        connect_method: false,
        minor_version: 1,
    };

    /// Of a request that was read.
    #[must_use]
    pub fn of(head: &Head<'_, '_>) -> Self {
        Self {
            head_method: head.method == "HEAD",
            connect_method: head.method == "CONNECT",
            minor_version: head.minor_version,
        }
    }
}

/// What is known about the body before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySize {
    /// All of it is at hand: that many bytes.
    Known(u64),
    /// It is produced while it is sent.
    Unknown,
    /// The application writes it to the connection itself (Rack's partial hijacking), so that no chunks can be made
    /// of it: it has the `Content-Length` or the encoding that the application has announced, or ends with the
    /// connection.
    Hijacked,
}

/// How the body has to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// Not at all: not one byte may follow the head (HEAD, 1xx, 204, 205, 304).
    Empty,
    /// That many bytes. If the application gave the number, it may turn out wrong: the caller must not send more,
    /// and has to close the connection if there is less.
    Length(u64),
    /// As chunks, see [`push_chunk`](super::chunked::push_chunk).
    Chunked,
    /// As it is, until the connection is closed. Also for an application that has encoded its body in chunks itself.
    UntilClose,
}

/// Why a field is refused. Nothing is written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The name is not a token.
    Name,
    /// The value has a control character other than the tab: CR and LF would begin another line.
    Value,
    /// `Content-Length` is not a decimal number below 2^64.
    ContentLength,
    /// `Content-Length` is given twice, with different numbers.
    ContentLengthConflict,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "field name is not a token (RFC 9110, section 5.1)",
            Self::Value => "field value has a control character (RFC 9110, section 5.5)",
            Self::ContentLength => {
                "Content-Length is not a decimal number below 2^64 (RFC 9110, section 8.6)"
            }
            Self::ContentLengthConflict => "Content-Length is given twice with different numbers",
        })
    }
}

impl std::error::Error for FieldError {}

/// A field that the server has an opinion on.
enum Known {
    Date,
    ContentLength,
    TransferEncoding,
    Upgrade,
    /// Only meant for this connection (RFC 9110, section 7.6.1), which is the server's business.
    HopByHop,
}

/// By length first: nearly all fields need no comparison.
fn known(name: &[u8]) -> Option<Known> {
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    match name.len() {
        2 if is("te") => Some(Known::HopByHop),
        4 if is("date") => Some(Known::Date),
        7 if is("upgrade") => Some(Known::Upgrade),
        7 if is("trailer") => Some(Known::HopByHop),
        10 if is("connection") || is("keep-alive") => Some(Known::HopByHop),
        14 if is("content-length") => Some(Known::ContentLength),
        16 if is("proxy-connection") => Some(Known::HopByHop),
        17 if is("transfer-encoding") => Some(Known::TransferEncoding),
        _ => None,
    }
}

/// Writes a response head to the end of a buffer: status line, the application's fields, then the server's.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::{BodyFraming, BodySize, RequestFacts, ResponseHead, http_date};
///
/// let mut out = Vec::new();
/// let mut head = ResponseHead::begin(&mut out, 200);
/// head.field(b"content-type", b"text/plain")?;
/// let request = RequestFacts { head_method: false, connect_method: false, minor_version: 1 };
/// let framing = head.finish(&request, BodySize::Known(3), &http_date(784_111_777));
/// assert_eq!(framing, BodyFraming::Length(3));
/// assert_eq!(
///     String::from_utf8_lossy(&out),
///     "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
///      Connection: close\r\nContent-Length: 3\r\n\r\n"
/// );
/// # Ok::<(), pitchfork_core::http::FieldError>(())
/// ```
#[must_use = "a head has to be finished"]
pub struct ResponseHead<'o> {
    out: &'o mut Vec<u8>,
    status: u16,
    has_date: bool,
    upgrades: bool,
    /// The application has encoded the body in chunks itself (Rack 2's `Rack::Chunked` does).
    encoded: bool,
    content_length: Option<u64>,
}

impl<'o> ResponseHead<'o> {
    /// Writes the status line. A `status` that is not three digits becomes 500; the caller should have refused it.
    pub fn begin(out: &'o mut Vec<u8>, status: u16) -> Self {
        status::push_line(out, status);
        Self {
            out,
            status: if (100..1000).contains(&status) {
                status
            } else {
                500
            },
            has_date: false,
            upgrades: false,
            encoded: false,
            content_length: None,
        }
    }

    /// Writes one of the application's fields, unless it is the server's to decide: hop-by-hop fields are dropped
    /// (`Upgrade` stays in 101 and 426), `Content-Length` and `Transfer-Encoding: chunked` are kept in mind for
    /// [`finish`](Self::finish). A name like `rack.hijack` is a token, too: what is no field is the caller's to leave
    /// out.
    ///
    /// # Errors
    ///
    /// A [`FieldError`]; the head can be continued without the field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
        if !grammar::is_token(name) {
            return Err(FieldError::Name);
        }
        if !grammar::is_field_value(value) {
            return Err(FieldError::Value);
        }
        match known(name) {
            None => {}
            Some(Known::Date) => self.has_date = true,
            Some(Known::Upgrade) if matches!(self.status, 101 | 426) => self.upgrades = true,
            Some(Known::Upgrade | Known::HopByHop) => return Ok(()),
            Some(Known::ContentLength) => return self.note_length(value),
            Some(Known::TransferEncoding) => {
                self.encoded |= value.trim_ascii().eq_ignore_ascii_case(b"chunked");
                return Ok(());
            }
        }
        self.push(name, value);
        Ok(())
    }

    /// The `Content-Length` that the application has given, to compare with what it sends.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Writes the server's fields and the empty line, and says how to send the body. `date` is what
    /// [`http_date`](super::http_date) returns.
    ///
    /// A known size wins over the application's `Content-Length`, which would only cut or truncate the body. For HEAD
    /// only the application can know how long the body would be, so that its number stands and none is added.
    pub fn finish(
        mut self,
        request: &RequestFacts,
        body: BodySize,
        date: &[u8; 29],
    ) -> BodyFraming {
        let framing = if self.status < 200 {
            self.finish_interim()
        } else {
            if !self.has_date {
                self.push(b"Date", date);
            }
            let connection: &[u8] = if self.upgrades {
                b"close, Upgrade"
            } else {
                b"close"
            };
            self.push(b"Connection", connection);
            self.delimit(request, body)
        };
        self.out.extend_from_slice(b"\r\n");
        framing
    }

    /// 1xx has neither a body nor a length (RFC 9110, section 8.6), and the connection goes on after it: with the
    /// final response, or after 101 with another protocol, which `Connection` has to name (section 7.8).
    fn finish_interim(&mut self) -> BodyFraming {
        if self.status == 101 {
            self.push(b"Connection", b"Upgrade");
        }
        BodyFraming::Empty
    }

    /// Writes the field that delimits the body of a final response.
    fn delimit(&mut self, request: &RequestFacts, body: BodySize) -> BodyFraming {
        match (self.status, self.content_length, body) {
            // "A server MUST NOT send any Transfer-Encoding or Content-Length header fields in a 2xx (Successful) response
            // to CONNECT" (RFC 9110, section 9.3.6): what follows is the tunnel.
            (200..=299, _, _) if request.connect_method => BodyFraming::UntilClose,
            // "A server MUST NOT send a Content-Length header field in any response with a status code of 204" (8.6).
            (204, _, _) => BodyFraming::Empty,
            // 205 has no body either, but does not end with the head (section 15.3.6).
            (205, _, _) => {
                self.push_length(0);
                BodyFraming::Empty
            }
            (304, length, _) => self.bodiless(length),
            (_, length, _) if request.head_method => self.bodiless(length),
            // What is at hand is no stream that somebody has made chunks of, whatever its fields say.
            (_, _, BodySize::Known(length)) => self.sized(length),
            _ if self.encoded => {
                if request.minor_version > 0 {
                    self.push(b"Transfer-Encoding", b"chunked");
                }
                BodyFraming::UntilClose
            }
            (_, Some(length), _) => self.sized(length),
            (_, _, BodySize::Hijacked) => BodyFraming::UntilClose,
            // HTTP/1.0 does not know chunks (RFC 9112, section 6.1).
            _ if request.minor_version == 0 => BodyFraming::UntilClose,
            _ => {
                self.push(b"Transfer-Encoding", b"chunked");
                BodyFraming::Chunked
            }
        }
    }

    fn sized(&mut self, length: u64) -> BodyFraming {
        self.push_length(length);
        BodyFraming::Length(length)
    }

    /// No body, though the length it would have may be told (RFC 9110, section 8.6).
    fn bodiless(&mut self, length: Option<u64>) -> BodyFraming {
        if let Some(length) = length {
            self.push_length(length);
        }
        BodyFraming::Empty
    }

    fn note_length(&mut self, value: &[u8]) -> Result<(), FieldError> {
        let length = grammar::decimal(value).ok_or(FieldError::ContentLength)?;
        if self.content_length.is_some_and(|earlier| earlier != length) {
            return Err(FieldError::ContentLengthConflict);
        }
        self.content_length = Some(length);
        Ok(())
    }

    fn push_length(&mut self, length: u64) {
        let mut digits = [0; 20]; // 2^64 has 20
        let mut at = digits.len();
        let mut rest = length;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(b"Content-Length", &digits[at..]);
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.out.reserve(name.len() + value.len() + 4);
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// A whole response with which the server itself refuses a request: the reason phrase as its text, nothing about
/// the server or the application. The connection has to be closed after it.
#[must_use]
pub fn error_response(status: u16, request: &RequestFacts, date: &[u8; 29]) -> Vec<u8> {
    let text = status::reason(status);
    let mut out = Vec::with_capacity(192);
    let mut head = ResponseHead::begin(&mut out, status);
    head.push(b"Content-Type", b"text/plain");
    if head.finish(request, BodySize::Known(text.len() as u64 + 1), date) != BodyFraming::Empty {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
    out
}

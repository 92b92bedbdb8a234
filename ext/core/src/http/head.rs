//! The head of a request: request line and fields (RFC 9112, sections 3 and 5).
//!
//! httparse splits the bytes; what it tolerates and we do not (a bare LF at the end of a line, several empty lines
//! in front), what a field means for the framing, and the limits, are checked here in one pass over its result.

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use super::connection::{self, Options};
use super::framing::Announced;
use super::{Form, Framing, HeadError, Limits, Target, authority, grammar};

/// How many fields a [`Scratch`] holds, and so the highest useful [`Limits::fields`].
pub const MAX_FIELDS: usize = 256;

/// Room for the fields of one parse. It lives on the stack and is not initialised, so that it costs nothing; make a
/// new one for each call of [`parse`].
pub struct Scratch<'b>([MaybeUninit<Header<'b>>; MAX_FIELDS]);

impl Scratch<'_> {
    /// Empty room.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; MAX_FIELDS])
    }
}

impl Default for Scratch<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`parse`] found.
#[derive(Debug)]
pub enum Parsed<'s, 'b> {
    /// The head is there, and good.
    Complete(Head<'s, 'b>),
    /// Good so far: read more, and parse all of it again.
    Partial,
}

/// A request head that passed every check. `'b` is the buffer it points into, `'s` the [`Scratch`].
#[derive(Debug)]
pub struct Head<'s, 'b> {
    /// The method, case-sensitive; any token (RFC 9110, section 9.1).
    pub method: &'b str,
    /// What the request is for.
    pub target: Target<'b>,
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    pub minor_version: u8,
    /// All field lines in their order, values without white space around them. Skip those that [`is_ambiguous`] is
    /// true for; take `Host` from [`host`](Self::host) and the length of the body from [`framing`](Self::framing).
    pub fields: &'s [Header<'b>],
    /// Where the body ends.
    pub framing: Framing,
    /// Host and port the client meant, checked; [`authority::split`] takes them apart. That of an absolute target
    /// replaces `Host` (RFC 9112, section 3.2.2). `None` only in HTTP/1.0.
    pub host: Option<&'b [u8]>,
    /// Whether the client waits for a 100 before it sends the body (RFC 9110, section 10.1.1): never in HTTP/1.0,
    /// nor without a body.
    pub expects_continue: bool,
    /// How many bytes the head takes, with its empty line: where the body begins.
    pub len: usize,
}

impl Head<'_, '_> {
    /// Whether the client means to send another request after this one (RFC 9112, section 9.3). Looked up when asked
    /// for, because a server that closes each connection never asks.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        let mut options = Options::default();
        for field in self.fields {
            if field.name.eq_ignore_ascii_case("connection") {
                options.note(field.value);
            }
        }
        connection::is_persistent(self.minor_version, options)
    }
}

/// Parses the head at the front of `buf`. What follows it is left alone.
///
/// # Errors
///
/// A [`HeadError`] as soon as the bytes cannot become a head any more; more bytes do not help then.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::{Framing, Limits, Parsed, Scratch, parse};
///
/// let bytes = b"POST /cart?item=7 HTTP/1.1\r\nHost: example.org\r\nContent-Length: 2\r\n\r\nhi";
/// let mut scratch = Scratch::new();
/// let Parsed::Complete(head) = parse(bytes, &mut scratch, &Limits::default())? else {
///     unreachable!("the empty line is there");
/// };
/// assert_eq!((head.target.path, head.target.query), ("/cart", "item=7"));
/// assert_eq!(head.framing, Framing::Length(2));
/// assert_eq!(&bytes[head.len..], b"hi");
/// # Ok::<(), pitchfork_core::http::HeadError>(())
/// ```
#[inline]
pub fn parse<'s, 'b>(
    buf: &'b [u8],
    scratch: &'s mut Scratch<'b>,
    limits: &Limits,
) -> Result<Parsed<'s, 'b>, HeadError> {
    // A server "SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (section 2.2).
    let skipped = if buf.starts_with(b"\r\n") { 2 } else { 0 };
    let bytes = &buf[skipped..];
    if bytes.starts_with(b"\r\n") || bytes.starts_with(b"\n") {
        return Err(HeadError::LineEnd);
    }
    let mut request = httparse::Request::new(&mut []);
    let room = &mut scratch.0[..limits.fields.min(MAX_FIELDS)];
    let len = match request.parse_with_uninit_headers(bytes, room) {
        Ok(Status::Complete(len)) => skipped + len,
        Ok(Status::Partial) => {
            check_lines(bytes, limits)?;
            return unfinished(buf, bytes, limits);
        }
        Err(error) => return Err(refusal(error, bytes, limits)),
    };
    let (Some(method), Some(raw), Some(minor_version)) =
        (request.method, request.path, request.version)
    else {
        return Err(HeadError::Method); // not reached: httparse fills them before it says Complete
    };
    if method.len() > limits.method {
        let limit = limits.method;
        return Err(HeadError::MethodTooLong { limit });
    }
    let line = method.len() + raw.len() + " HTTP/1.1 ".len();
    if line > limits.request_line {
        let limit = limits.request_line;
        return Err(HeadError::RequestLineTooLong { limit });
    }
    let target = Target::parse(method, raw)?;
    let fields: &'s [Header<'b>] = request.headers;
    let noted = Noted::from(bytes, line, fields, limits)?;
    if len > limits.head {
        return Err(HeadError::HeadTooLarge { limit: limits.head });
    }
    let framing = noted.announced.framing(minor_version)?;
    let host = match (noted.host, target.form) {
        (None, _) if minor_version == 1 => return Err(HeadError::HostMissing),
        (_, Form::Absolute) => target.authority.map(str::as_bytes),
        (host, _) => host,
    };
    let has_body = !matches!(framing, Framing::None | Framing::Length(0));
    Ok(Parsed::Complete(Head {
        method,
        target,
        minor_version,
        fields,
        framing,
        host,
        expects_continue: noted.expects_continue && has_body && minor_version == 1,
        len,
    }))
}

/// Like [`parse`], for a buffer whose first `seen` bytes were [`Parsed::Partial`] before.
///
/// A head is parsed from its beginning each time, so a client that sends it byte by byte would cost the square of
/// its length. Without a line feed among the new bytes the head cannot be complete, so that [`Limits::fields`]
/// bounds how often it is parsed.
///
/// # Errors
///
/// As [`parse`]; a wrong byte may be noticed only when its line ends.
pub fn parse_more<'s, 'b>(
    buf: &'b [u8],
    seen: usize,
    scratch: &'s mut Scratch<'b>,
    limits: &Limits,
) -> Result<Parsed<'s, 'b>, HeadError> {
    if seen > 0 && !buf.get(seen..).unwrap_or(&[]).contains(&b'\n') {
        let skipped = if buf.starts_with(b"\r\n") { 2 } else { 0 };
        return unfinished(buf, &buf[skipped..], limits);
    }
    parse(buf, scratch, limits)
}

/// Whether a field has to be kept out of a Rack environment, because its name contains an underscore.
///
/// CGI names, and so Rack's, turn `-` into `_`: `X_Forwarded_For` would arrive as the same `HTTP_X_FORWARDED_FOR`
/// that a proxy in front sets and strips, and `Content_Length` as a length that no framing rule has seen. nginx
/// drops such fields, too, unless told otherwise.
#[inline]
#[must_use]
pub fn is_ambiguous(name: &str) -> bool {
    name.as_bytes().contains(&b'_')
}

/// What the fields say that the server itself has to know.
#[derive(Default)]
struct Noted<'b> {
    host: Option<&'b [u8]>,
    announced: Announced,
    expects_continue: bool,
}

impl<'b> Noted<'b> {
    /// One pass over the lines of `bytes`, whose request line is `line` long: line ends, lengths, known names.
    #[inline]
    fn from(
        bytes: &'b [u8],
        line: usize,
        fields: &[Header<'b>],
        limits: &Limits,
    ) -> Result<Self, HeadError> {
        let mut noted = Self::default();
        let mut at = next_line(bytes, line)?;
        for field in fields {
            // httparse returns slices of `bytes` without their position; the addresses tell it.
            let mut end = field.value.as_ptr().addr() - bytes.as_ptr().addr() + field.value.len();
            while let Some(b' ' | b'\t') = bytes.get(end) {
                end += 1;
            }
            if end - at > limits.field {
                return Err(HeadError::FieldTooLarge {
                    limit: limits.field,
                });
            }
            at = next_line(bytes, end)?;
            noted.note(field)?;
        }
        next_line(bytes, at)?;
        Ok(noted)
    }

    #[inline]
    fn note(&mut self, field: &Header<'b>) -> Result<(), HeadError> {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        match field.name.len() {
            4 if is("host") => {
                authority::split(field.value).ok_or(HeadError::HostInvalid)?;
                if self.host.replace(field.value).is_some() {
                    return Err(HeadError::HostRepeated);
                }
            }
            // Other expectations may be answered with 417 or ignored; clients that send them expect nothing.
            6 if is("expect") && field.value.eq_ignore_ascii_case(b"100-continue") => {
                self.expects_continue = true;
            }
            14 if is("content-length") => self.announced.content_length(field.value)?,
            17 if is("transfer-encoding") => self.announced.transfer_encoding(field.value)?,
            _ => {}
        }
        Ok(())
    }
}

/// Where the line after the one that ends at `end` begins. httparse has seen a line feed; that it follows a CR is
/// for us to check: "MAY recognize a single LF" (section 2.2) is an invitation to read the head two ways.
#[inline]
fn next_line(bytes: &[u8], end: usize) -> Result<usize, HeadError> {
    match bytes.get(end) {
        Some(b'\r') => Ok(end + 2),
        _ => Err(HeadError::LineEnd),
    }
}

/// Whether the lines of an incomplete head that have ended are within their limits. The last one has not.
#[cold]
fn check_lines(bytes: &[u8], limits: &Limits) -> Result<(), HeadError> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    lines.next_back();
    for (at, line) in lines.enumerate() {
        let length = without_cr(line).len();
        if at == 0 && length > limits.request_line {
            let limit = limits.request_line;
            return Err(HeadError::RequestLineTooLong { limit });
        }
        if at > 0 && length > limits.field {
            let limit = limits.field;
            return Err(HeadError::FieldTooLarge { limit });
        }
    }
    Ok(())
}

/// Whether an incomplete head may still become one within the limits, as far as the line under way and the length
/// tell. `bytes` is `buf` from the request line on. Called for each piece that arrives, so that it looks at no more
/// than it must.
#[cold]
fn unfinished<'s, 'b>(
    buf: &[u8],
    bytes: &[u8],
    limits: &Limits,
) -> Result<Parsed<'s, 'b>, HeadError> {
    let text = without_cr(bytes);
    check_method(bytes, limits)?;
    let limit = limits.request_line;
    let ends_by = bytes.len().min(limit.saturating_add(2));
    if text.len() > limit && !bytes[..ends_by].contains(&b'\n') {
        return Err(HeadError::RequestLineTooLong { limit });
    }
    let limit = limits.field;
    if text.len() > limit {
        let (earlier, recent) = text.split_at(text.len() - limit - 1);
        if !recent.contains(&b'\n') && earlier.contains(&b'\n') {
            return Err(HeadError::FieldTooLarge { limit });
        }
    }
    if buf.len() >= limits.head {
        return Err(HeadError::HeadTooLarge { limit: limits.head });
    }
    Ok(Parsed::Partial)
}

/// Whether the method is within its limit. One that is no token is for others to refuse.
#[cold]
fn check_method(bytes: &[u8], limits: &Limits) -> Result<(), HeadError> {
    let limit = limits.method;
    match bytes.get(..limit.saturating_add(1)) {
        Some(front) if grammar::is_token(front) => Err(HeadError::MethodTooLong { limit }),
        _ => Ok(()),
    }
}

/// A line without its CR, or one that may be about to end.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Our name for what httparse did not like.
#[cold]
fn refusal(error: httparse::Error, bytes: &[u8], limits: &Limits) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooManyFields {
            limit: limits.fields.min(MAX_FIELDS),
        },
        httparse::Error::HeaderName => HeadError::FieldName,
        httparse::Error::HeaderValue => HeadError::FieldValue,
        httparse::Error::NewLine => HeadError::LineEnd,
        httparse::Error::Version => version_refusal(word(bytes, 2)),
        httparse::Error::Token | httparse::Error::Status => {
            if let Err(error) = check_method(bytes, limits) {
                error
            } else if grammar::is_token(word(bytes, 0)) {
                HeadError::Target
            } else {
                HeadError::Method
            }
        }
    }
}

/// Tells a version we do not speak from what is no version. Any 1.x above 1.1 would have to be treated as 1.1
/// (RFC 9110, section 2.5), but none was ever defined. The bytes may be incomplete.
fn version_refusal(version: &[u8]) -> HeadError {
    match version.strip_prefix(b"HTTP/") {
        Some([b'1', b'.', b'0'..=b'9', ..] | [b'0' | b'2'..=b'9', ..]) => {
            HeadError::VersionNotSupported
        }
        _ => HeadError::Version,
    }
}

/// The `n`th word of the request line.
fn word(bytes: &[u8], n: usize) -> &[u8] {
    bytes.split(|&byte| byte == b' ').nth(n).unwrap_or_default()
}

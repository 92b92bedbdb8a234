//! Which trailer fields reach the application (RFC 9110, section 6.5.1).
//!
//! Trailers come after the decisions that header fields are for, and after a proxy in front has looked: "Many fields
//! cannot be processed outside the header section because their evaluation is necessary prior to receiving the
//! content, such as those that describe message framing, routing, authentication, request modifiers, response
//! controls, or content format." Such fields are dropped; they make no request bad.

use super::head::is_ambiguous;

/// Names that are dropped, in lower case and sorted.
const FORBIDDEN: [&[u8]; 35] = [
    b"age",
    b"authorization",
    b"cache-control",
    b"connection",
    b"cookie",
    b"cookie2",
    b"date",
    b"expect",
    b"expires",
    b"forwarded",
    b"host",
    b"http2-settings",
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"keep-alive",
    b"location",
    b"max-forwards",
    b"origin",
    b"pragma",
    b"prefer",
    b"range",
    b"referer",
    b"retry-after",
    b"set-cookie",
    b"set-cookie2",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"vary",
    b"via",
    b"www-authenticate",
];

/// Whole families of names that are dropped: what the content is, what answer is wanted, what a proxy or a browser
/// vouches for, and overrides of the method.
const FORBIDDEN_FRONT: [&[u8]; 8] = [
    b"accept",
    b"access-control-",
    b"content-",
    b"proxy-",
    b"sec-",
    b"x-forwarded-",
    b"x-http-method",
    b"x-real-ip",
];

/// Whether a trailer field with this name may be handed to the application.
///
/// Not a name that the section quoted above forbids, and none with an underscore, which would collide with another
/// once it is a CGI name ([`is_ambiguous`]). `Content-Digest` is the one `Content-` field that is meant for trailers
/// (RFC 9530, section 2). Unknown names are permitted: they are what trailers are sent for.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::trailer::is_permitted;
///
/// assert!(is_permitted("Content-Digest"));
/// assert!(is_permitted("X-Checksum"));
/// assert!(!is_permitted("Content-Length"));
/// assert!(!is_permitted("X_Checksum"));
/// ```
#[must_use]
pub fn is_permitted(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let bytes = name.as_bytes();
    if is_ambiguous(&name) || FORBIDDEN.binary_search(&bytes).is_ok() {
        return false;
    }
    bytes == b"content-digest" || !FORBIDDEN_FRONT.iter().any(|front| bytes.starts_with(front))
}

/// The permitted fields of a trailer section, in their order: names as received, values without white space around
/// them. A name may come more than once. Made by [`ChunkedDecoder::trailers`](super::ChunkedDecoder::trailers).
#[derive(Clone, Debug)]
pub struct Trailers<'a> {
    /// Field lines that were checked as they came in.
    section: &'a [u8],
}

impl<'a> Trailers<'a> {
    pub(super) fn new(section: &'a [u8]) -> Self {
        Self { section }
    }
}

impl<'a> Iterator for Trailers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = self.section.iter().position(|&byte| byte == b'\n')?;
            let (line, rest) = self.section.split_at(end + 1);
            self.section = rest;
            let colon = line.iter().position(|&byte| byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            if is_permitted(name) {
                return Some((name, trim(&line[colon + 1..])));
            }
        }
    }
}

/// `value` without the white space around it, and without its CRLF.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(FORBIDDEN.is_sorted());
    }

    #[test]
    fn what_is_handed_on() {
        for name in [
            "X-Checksum",
            "Content-Digest",
            "Server-Timing",
            "ETag",
            "grpc-status",
            "a",
        ] {
            assert!(is_permitted(name), "{name}");
        }
        for name in [
            "Content-Length", // framing
            "Transfer-Encoding",
            "Trailer",
            "TE",
            "Connection",
            "HOST", // routing
            "X-Forwarded-For",
            "Forwarded",
            "Via",
            "authorization", // authentication
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "Expect", // request modifiers
            "If-Match",
            "Range",
            "Accept-Encoding",
            "X-HTTP-Method-Override",
            "Cache-Control", // response controls
            "Content-Type",  // content format
            "Content-Encoding",
            "Content-Digest_", // ambiguous
            "X_Checksum",
            "Content_Length",
        ] {
            assert!(!is_permitted(name), "{name}");
        }
    }

    #[test]
    fn values_are_trimmed() {
        for (line, value) in [
            (" a b \t\r\n", "a b"),
            ("\r\n", ""),
            (" \t \r\n", ""),
            ("a\r\n", "a"),
        ] {
            assert_eq!(trim(line.as_bytes()), value.as_bytes(), "{line:?}");
        }
    }
}

//! How Rack, and CGI before it, calls the fields of a request.

use pitchfork_core::http::head;

/// The names that most requests have. Others are interned as they come. At most 64: a word has a bit for each.
pub(super) const COMMON: [&str; 61] = [
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Charset",
    "Cookie",
    "Connection",
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Authorization",
    "Referer",
    "Origin",
    "Cache-Control",
    "Pragma",
    "Expect",
    "If-None-Match",
    "If-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "If-Range",
    "Range",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
    "Upgrade-Insecure-Requests",
    "Keep-Alive",
    "DNT",
    "Priority",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "Sec-CH-UA",
    "Sec-CH-UA-Mobile",
    "Sec-CH-UA-Platform",
    "Sec-GPC",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "Last-Event-ID",
    "Via",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Ssl",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Real-IP",
    "X-Request-Id",
    "X-Request-Start",
    "X-Requested-With",
    "X-CSRF-Token",
    "X-HTTP-Method-Override",
    "X-Amzn-Trace-Id",
    "Traceparent",
    "Tracestate",
];

/// Where `Host` stands among them.
pub(super) const HOST: usize = 0;

/// Whether a field is kept out of env: a field called Version would take the place of HTTP_VERSION.
pub(super) fn is_left_out(name: &str) -> bool {
    head::is_ambiguous(name) || is_same(name, "version")
}

pub(super) fn is_same(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

pub(super) const PREFIX: &[u8] = b"HTTP_";

/// A key that is longer is made with memory of its own.
pub(super) const LONG: usize = 128;

/// `X-Request-Id` becomes `HTTP_X_REQUEST_ID`; the two that CGI calls by their plain names keep them. `None`: the buffer is too
/// small.
pub(super) fn key_bytes<'b>(name: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let plain = is_same(name, "content-type") || is_same(name, "content-length");
    let prefix = if plain { b"" } else { PREFIX };
    let key = buffer.get_mut(..prefix.len() + name.len())?;
    let (front, rest) = key.split_at_mut(prefix.len());
    front.copy_from_slice(prefix);
    for (to, from) in rest.iter_mut().zip(name.bytes()) {
        *to = if from == b'-' {
            b'_'
        } else {
            from.to_ascii_uppercase()
        };
    }
    Some(key)
}

/// Finds the common names without comparing with each.
pub(super) struct Index([u8; Index::SIZE]);

impl Index {
    const SIZE: usize = 256;
    const EMPTY: u8 = u8::MAX;

    pub(super) fn new() -> Self {
        let mut places = [Self::EMPTY; Self::SIZE];
        for (number, name) in (0u8..).zip(COMMON) {
            let mut place = Self::place(name);
            while places[place] != Self::EMPTY {
                place = (place + 1) % Self::SIZE;
            }
            places[place] = number;
        }
        Index(places)
    }

    /// Position in [`COMMON`].
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let mut place = Self::place(name);
        loop {
            let common = match self.0[place] {
                Self::EMPTY => return None,
                number => usize::from(number),
            };
            if Self::is_it(COMMON[common].as_bytes(), name.as_bytes()) {
                return Some(common);
            }
            place = (place + 1) % Self::SIZE;
        }
    }

    /// In a token, nothing but the other case of a letter differs from a letter, a digit or a hyphen in that one bit.
    fn is_it(common: &[u8], name: &[u8]) -> bool {
        let differing =
            (common.iter().zip(name)).fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        common.len() == name.len() && differing & !0x20 == 0
    }

    /// Length and three letters tell nearly all names apart.
    fn place(name: &str) -> usize {
        let name = name.as_bytes();
        let letter = |at: usize| name.get(at).map_or(0, |byte| usize::from(byte | 0x20));
        let last = name.len().saturating_sub(1);
        (name.len() * 7 + letter(0) * 3 + letter(last / 2) * 5 + letter(last) * 11) % Self::SIZE
    }
}

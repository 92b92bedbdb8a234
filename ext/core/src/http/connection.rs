//! What becomes of a connection after an exchange (RFC 9112, section 9).

use super::BodyFraming;

/// Whether the client means to send another request after this one (RFC 9112, section 9.3): in HTTP/1.1 unless it
/// says `close`, in HTTP/1.0 only if it says `keep-alive`.
///
/// `options` are the members of all `Connection` fields (RFC 9110, section 7.6.1), read by [`Options::note`].
#[must_use]
pub fn is_persistent(minor_version: u8, options: Options) -> bool {
    !options.close && (minor_version > 0 || options.keep_alive)
}

/// What `Connection` says, as far as this server knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `close`
    pub close: bool,
    /// `keep-alive`
    pub keep_alive: bool,
}

impl Options {
    /// Adds the members of one `Connection` field. Unknown ones are names of fields that a proxy has to drop, which
    /// is nothing to the last server in the row.
    pub fn note(&mut self, value: &[u8]) {
        for member in value.split(|&byte| byte == b',') {
            let member = member.trim_ascii();
            let is = |option: &str| member.eq_ignore_ascii_case(option.as_bytes());
            self.close |= is("close");
            self.keep_alive |= is("keep-alive");
        }
    }
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseEnd {
    /// All of it is sent, as its framing promised; that of a refused request, too.
    Complete,
    /// Its head is sent, and its body ends too early: the application failed or gave less than it announced.
    Truncated(BodyFraming),
    /// The client does not take it, so that bytes of it are still with the kernel.
    Stalled,
    /// The client has closed or reset the connection.
    Gone,
    /// There was a 101, or the application wrote to the connection itself: the bytes in both directions were its own
    /// protocol's, and that has ended.
    Upgraded,
    /// The application owns the connection now (Rack's full hijacking).
    HandedOver,
}

/// What to do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Close it. The kernel delivers what was sent.
    Close,
    /// Close the sending side, read and drop what still comes until the client closes, for a bounded time, then
    /// close. Closing at once with bytes unread would make the kernel reset the connection, and the reset may
    /// overtake the response and erase it (RFC 9112, section 9.6).
    Drain,
    /// Reset it, dropping what is not delivered (SO_LINGER with no time).
    Abort,
    /// Nothing: it is not the server's any more.
    HandedOver,
}

/// Decides for a server that closes every connection after one exchange. `received`: whether all that the client
/// sent was its request, body included, and was read or is at hand, so that no byte is left for the kernel to
/// complain about ([`BodyDecoder::is_complete_with`](super::BodyDecoder::is_complete_with)).
///
/// A truncated body is noticed by its framing: bytes or the last chunk are missing (RFC 9112, section 8). When only
/// the close would have delimited it, it looks complete to the client unless the connection is reset.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::BodyFraming;
/// use pitchfork_core::http::connection::{Fate, ResponseEnd, after_exchange};
///
/// assert_eq!(after_exchange(ResponseEnd::Complete, true), Fate::Close);
/// assert_eq!(after_exchange(ResponseEnd::Complete, false), Fate::Drain);
/// let cut = ResponseEnd::Truncated(BodyFraming::UntilClose);
/// assert_eq!(after_exchange(cut, true), Fate::Abort);
/// ```
#[must_use]
pub fn after_exchange(response: ResponseEnd, received: bool) -> Fate {
    match response {
        ResponseEnd::HandedOver => Fate::HandedOver,
        ResponseEnd::Truncated(BodyFraming::UntilClose) | ResponseEnd::Stalled => Fate::Abort,
        ResponseEnd::Gone => Fate::Close,
        // Whether the other protocol left something unread is not known.
        ResponseEnd::Upgraded => Fate::Drain,
        ResponseEnd::Complete | ResponseEnd::Truncated(_) if received => Fate::Close,
        ResponseEnd::Complete | ResponseEnd::Truncated(_) => Fate::Drain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9112, section 9.3, in its order.
    #[test]
    fn persistence() {
        for (minor_version, fields, persistent) in [
            (1, &["close"][..], false),
            (0, &["close"], false),
            (1, &["keep-alive, close"], false),
            (0, &["keep-alive", "Close"], false),
            (1, &[], true),
            (1, &["keep-alive"], true),
            (1, &["", " , ", "te"], true),
            (0, &["Keep-Alive"], true),
            (0, &["x,\tkeep-alive ,y"], true),
            (0, &[], false),
            (0, &["te"], false),
            (1, &["closed", "not close", "close;x"], true),
        ] {
            let mut options = Options::default();
            for field in fields {
                options.note(field.as_bytes());
            }
            let is = is_persistent(minor_version, options);
            assert_eq!(is, persistent, "1.{minor_version} {fields:?}");
        }
    }

    #[test]
    fn fates() {
        use BodyFraming::{Chunked, Empty, Length, UntilClose};
        use Fate::{Abort, Close, Drain};
        use ResponseEnd::{Complete, Gone, HandedOver, Stalled, Truncated, Upgraded};
        for (response, received, unread) in [
            (Complete, Close, Drain),
            (Truncated(Empty), Close, Drain),
            (Truncated(Length(5)), Close, Drain),
            (Truncated(Chunked), Close, Drain),
            (Truncated(UntilClose), Abort, Abort),
            (Stalled, Abort, Abort),
            (Gone, Close, Close),
            (Upgraded, Drain, Drain),
            (HandedOver, Fate::HandedOver, Fate::HandedOver),
        ] {
            assert_eq!(after_exchange(response, true), received, "{response:?}");
            assert_eq!(after_exchange(response, false), unread, "{response:?}");
        }
    }
}

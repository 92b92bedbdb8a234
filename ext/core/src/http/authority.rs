//! Hosts and ports, as `Host` and request targets carry them.

use std::net::Ipv6Addr;

/// Bytes of `reg-name` apart from `%`: unreserved and sub-delims (RFC 3986, section 3.2.2). An IPv4 address is
/// one of these, too.
static REG_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-._~!$&'()*+,;=";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

/// Splits `uri-host [ ":" port ]` (RFC 9110, section 7.2) into the host, an IPv6 address still in its brackets,
/// and the port. `None` if it is not one.
///
/// A host may not be empty: "http" has no place for that (RFC 9110, section 4.2.1), and nobody could say what such
/// a request asks for. User information is refused (section 4.2.4), and so are the address forms that nobody uses:
/// `IPvFuture` and zone identifiers. A colon without a port is allowed (RFC 3986, section 3.2.3).
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::authority::split;
///
/// assert_eq!(split(b"example.org:8080"), Some((&b"example.org"[..], Some(8080))));
/// assert_eq!(split(b"[::1]"), Some((&b"[::1]"[..], None)));
/// assert_eq!(split(b"user@example.org"), None);
/// ```
#[must_use]
pub fn split(authority: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let end = if authority.first() == Some(&b'[') {
        let close = authority.iter().position(|&byte| byte == b']')?;
        let address = std::str::from_utf8(&authority[1..close]).ok()?;
        address.parse::<Ipv6Addr>().ok()?;
        close + 1
    } else {
        reg_name(authority)?
    };
    let (host, rest) = authority.split_at(end);
    match rest {
        [] | [b':'] => Some((host, None)),
        [b':', digits @ ..] => Some((host, Some(port(digits)?))),
        _ => None,
    }
}

/// The length of the host name at the front, which ends at the first colon.
fn reg_name(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            _ if REG_NAME[byte as usize] => at += 1,
            b':' => break,
            b'%' if bytes.get(at + 1)?.is_ascii_hexdigit()
                && bytes.get(at + 2)?.is_ascii_hexdigit() =>
            {
                at += 3;
            }
            _ => return None,
        }
    }
    (at > 0).then_some(at)
}

fn port(digits: &[u8]) -> Option<u16> {
    super::grammar::decimal(digits)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let good: [(&str, &str, Option<u16>); 9] = [
            ("example.org", "example.org", None),
            ("example.org:80", "example.org", Some(80)),
            ("example.org:", "example.org", None),
            ("example.org:00080", "example.org", Some(80)),
            ("127.0.0.1:65535", "127.0.0.1", Some(65535)),
            ("a_b~c!$&'()*+,;=d", "a_b~c!$&'()*+,;=d", None),
            ("caf%C3%A9", "caf%C3%A9", None),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", None),
        ];
        for (text, host, port) in good {
            assert_eq!(
                split(text.as_bytes()),
                Some((host.as_bytes(), port)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn not_hosts() {
        for text in [
            "",
            ":80",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "user@a",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:-1",
            "a:+80",
            "a%",
            "a%4",
            "a%zz",
            "café",
            "a\0",
            "a\"b",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]x",
            "[::1%25eth0]",
            "[v1.x]",
            "[127.0.0.1]",
            "[1:2]",
        ] {
            assert_eq!(split(text.as_bytes()), None, "{text:?}");
        }
    }
}

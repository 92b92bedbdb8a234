//! Proxies in front: which peers are trusted, and what scheme they say the client used.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use httparse::Header;

/// One network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.prefix.into()
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.prefix.into()
            }
            _ => false,
        }
    }

    /// The bits behind the prefix are zero.
    fn is_exact(&self) -> bool {
        let (trailing, width) = match self.address {
            IpAddr::V4(address) => (address.to_bits().trailing_zeros(), 32),
            IpAddr::V6(address) => (address.to_bits().trailing_zeros(), 128),
        };
        trailing >= width - u32::from(self.prefix)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = |reason| NetworkError {
            value: text.to_owned(),
            reason,
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = (address.parse()).map_err(|_| error(Reason::NoAddress))?;
        let width = if written.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) => (digits.parse::<u8>().ok())
                .filter(|prefix| *prefix <= width && *digits == prefix.to_string())
                .ok_or_else(|| error(Reason::Prefix(width)))?,
        };
        // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
        let address = written.to_canonical();
        let network = if address.is_ipv4() && width == 128 && prefix >= 96 {
            let prefix = prefix - 96;
            Self { address, prefix }
        } else {
            Self {
                address: written,
                prefix,
            }
        };
        if !network.is_exact() {
            return Err(error(Reason::HostBits));
        }
        Ok(network)
    }
}

/// Why a text is no network. The message names the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError {
    value: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    NoAddress,
    Prefix(u8),
    HostBits,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match self.reason {
            Reason::NoAddress => write!(
                f,
                "{value:?} is not an IP address or network, such as \"10.0.0.0/8\" or \"::1\""
            ),
            Reason::Prefix(most) => {
                write!(
                    f,
                    "{value:?} needs a number from 0 to {most} behind its slash"
                )
            }
            Reason::HostBits => write!(
                f,
                "{value:?} is an address inside a network: leave the slash away, or zero the bits behind the prefix"
            ),
        }
    }
}

impl std::error::Error for NetworkError {}

/// A list of networks.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::proxy::Networks;
///
/// let trusted = Networks::parse(["10.0.0.0/8", "::1"])?;
/// assert!(trusted.contains("10.1.2.3".parse().unwrap()));
/// assert!(trusted.contains("::ffff:10.1.2.3".parse().unwrap())); // IPv4 on an IPv6 socket
/// assert!(!trusted.contains("192.0.2.1".parse().unwrap()));
/// assert_eq!(
///     Networks::parse(["localhost"]).unwrap_err().to_string(),
///     "\"localhost\" is not an IP address or network, such as \"10.0.0.0/8\" or \"::1\""
/// );
/// # Ok::<(), pitchfork_core::http::proxy::NetworkError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Reads addresses and networks (`10.0.0.0/8`), in order.
    ///
    /// # Errors
    ///
    /// The first text that is neither. An address with bits behind the prefix is refused, too: it may have been meant
    /// as the one address or as all of its network, and this list is about trust.
    pub fn parse<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Result<Self, NetworkError> {
        let networks = values.into_iter().map(|value| value.as_ref().parse());
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is in one of the networks. An IPv4 address as IPv6 writes it (`::ffff:10.0.0.1`) is that IPv4
    /// address, which no IPv6 network contains.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Whether the client used https, by the word of a proxy. `None`: it says nothing about it. Only for requests whose
/// peer is trusted.
///
/// `X-Forwarded-Proto` decides, else `X-Forwarded-Ssl`, else `X-Forwarded-Scheme`; what is not understood says
/// nothing. Proxies differ in whether they replace such a field or add to it, so that it may be a list. The last
/// member counts: it is the one that the peer, who is trusted, has written, while those before it may be the
/// client's own.
///
/// `wss` and `ws`, which some proxies send for WebSockets, are https and http: the schemes that Rack knows.
///
/// # Examples
///
/// ```
/// use httparse::Header;
/// use pitchfork_core::http::proxy::forwarded_https;
///
/// let field = |name, value| Header { name, value };
/// assert_eq!(forwarded_https(&[field("X-Forwarded-Proto", b"https")]), Some(true));
/// assert_eq!(forwarded_https(&[field("X-Forwarded-Proto", b"https, http")]), Some(false));
/// assert_eq!(forwarded_https(&[field("X-Forwarded-Ssl", b"on")]), Some(true));
/// assert_eq!(forwarded_https(&[field("Host", b"example.org")]), None);
/// ```
#[must_use]
pub fn forwarded_https(fields: &[Header<'_>]) -> Option<bool> {
    let (mut proto, mut ssl, mut scheme) = (None, None, None);
    for field in fields {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        // By length first: nearly all fields need no comparison. A later line continues the list.
        match field.name.len() {
            17 if is("X-Forwarded-Proto") => proto = last_member(field.value).or(proto),
            15 if is("X-Forwarded-Ssl") => ssl = last_member(field.value).or(ssl),
            18 if is("X-Forwarded-Scheme") => scheme = last_member(field.value).or(scheme),
            _ => {}
        }
    }
    (proto.and_then(is_secure))
        .or_else(|| ssl.and_then(is_on))
        .or_else(|| scheme.and_then(is_secure))
}

/// Of a list, the last member that is not empty (RFC 9110, section 5.6.1.2).
fn last_member(value: &[u8]) -> Option<&[u8]> {
    let members = value.rsplit(|&byte| byte == b',');
    members
        .map(<[u8]>::trim_ascii)
        .find(|member| !member.is_empty())
}

fn is_secure(scheme: &[u8]) -> Option<bool> {
    let is = |other: &str| scheme.eq_ignore_ascii_case(other.as_bytes());
    if is("https") || is("wss") {
        Some(true)
    } else if is("http") || is("ws") {
        Some(false)
    } else {
        None
    }
}

fn is_on(value: &[u8]) -> Option<bool> {
    if value.eq_ignore_ascii_case(b"on") {
        Some(true)
    } else if value.eq_ignore_ascii_case(b"off") {
        Some(false)
    } else {
        None
    }
}

//! What the configuration says about clients.

use std::time::Duration;

use magnus::{Error, RArray, RHash, Ruby, Symbol, TryConvert};
use pitchfork_core::http::proxy::{Networks, forwarded_https};
use pitchfork_core::http::{Head, Limits};

use crate::ruby::errors;
use crate::sys::socket::Peer;

/// Longer than any process lives, and still small enough to be added to a time.
const FOREVER: Duration = Duration::from_secs(1 << 32);

/// How long a client may keep a worker waiting.
#[derive(Clone, Copy)]
pub struct Timeouts {
    /// For the whole head of a request.
    pub header: Duration,
    /// For the next piece of a request's body.
    pub body: Duration,
    /// For reading a part of its response.
    pub write: Duration,
}

/// The settings of lib/pitchfork/configuration/http_settings.rb that are decided here.
pub struct HttpSettings {
    pub timeouts: Timeouts,
    pub limits: Limits,
    /// The longest request body, in bytes.
    pub body_max: Option<u64>,
    pub check_connection: bool,
    proxies: Networks,
    trust_unix: bool,
}

impl HttpSettings {
    /// From a Hash of names and values, which are checked already.
    pub fn from_hash(ruby: &Ruby, hash: RHash) -> Result<Self, Error> {
        // Networks are Strings; the one Symbol there is stands for whoever reaches a UNIX socket.
        let (mut networks, mut trust_unix) = (Vec::new(), false);
        for proxy in get::<RArray>(ruby, hash, "trusted_proxies")? {
            match Symbol::from_value(proxy) {
                Some(_) => trust_unix = true,
                None => networks.push(String::try_convert(proxy)?),
            }
        }
        let proxies = Networks::parse(networks).map_err(|error| errors::misuse(ruby, error))?;
        Ok(HttpSettings {
            timeouts: Timeouts {
                header: seconds(ruby, hash, "client_header_timeout")?,
                body: seconds(ruby, hash, "client_body_timeout")?,
                write: seconds(ruby, hash, "client_write_timeout")?,
            },
            limits: Limits {
                request_line: get(ruby, hash, "client_request_line_max_size")?,
                field: get(ruby, hash, "client_header_field_max_size")?,
                head: get(ruby, hash, "client_header_max_size")?,
                fields: get(ruby, hash, "client_header_max_fields")?,
                ..Limits::default()
            },
            body_max: get(ruby, hash, "client_body_max_size")?,
            check_connection: get(ruby, hash, "check_client_connection")?,
            proxies,
            trust_unix,
        })
    }

    /// Whether the client used https, if this peer is one to be believed about it.
    pub fn is_https(&self, peer: Peer, head: &Head<'_, '_>) -> bool {
        let trusted = match peer {
            Peer::Ip(address) => !self.proxies.is_empty() && self.proxies.contains(address),
            Peer::Unix => self.trust_unix,
        };
        trusted && forwarded_https(head.fields) == Some(true)
    }
}

fn get<T: TryConvert>(ruby: &Ruby, hash: RHash, name: &str) -> Result<T, Error> {
    hash.fetch(ruby.to_symbol(name))
}

/// A setting that is a number of seconds.
pub fn seconds(ruby: &Ruby, hash: RHash, name: &str) -> Result<Duration, Error> {
    let seconds: f64 = get(ruby, hash, name)?;
    Ok(Duration::try_from_secs_f64(seconds).map_or(FOREVER, |time| time.min(FOREVER)))
}

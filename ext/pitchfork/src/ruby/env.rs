//! The Rack environment of a request.
//!
//! What is the same for every request comes from a template, duplicated: that is the fastest way to make a Hash of this size.
//! Keys are interned, values are fresh binary strings that the app may keep and change.

use std::sync::OnceLock;

use magnus::rb_sys::{AsRawValue, FromRawValue, protect};
use magnus::value::Opaque;
use magnus::{Error, RHash, RString, Ruby, Value};
use pitchfork_core::http::{Head, authority, head};

use crate::ruby::strings::{constant, intern};
use crate::sys::socket::Peer;

/// The names that nearly every request has. Others are interned as they come.
const COMMON: [&str; 30] = [
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
    "Connection",
    "Content-Type",
    "Content-Length",
    "Authorization",
    "Referer",
    "Origin",
    "Cache-Control",
    "Pragma",
    "If-None-Match",
    "If-Modified-Since",
    "If-Match",
    "Range",
    "Upgrade-Insecure-Requests",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Real-IP",
    "X-Request-Id",
    "X-Requested-With",
    "X-CSRF-Token",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
];

struct Keys {
    request_method: Opaque<RString>,
    request_uri: Opaque<RString>,
    path_info: Opaque<RString>,
    query_string: Opaque<RString>,
    server_name: Opaque<RString>,
    server_port: Opaque<RString>,
    server_protocol: Opaque<RString>,
    http_version: Opaque<RString>,
    remote_addr: Opaque<RString>,
    http_host: Opaque<RString>,
    common: [Opaque<RString>; COMMON.len()],
    /// Values.
    get: Opaque<RString>,
    post: Opaque<RString>,
    http_10: Opaque<RString>,
    http_11: Opaque<RString>,
    empty: Opaque<RString>,
    local: Opaque<RString>,
}

static KEYS: OnceLock<Keys> = OnceLock::new();

/// Makes the constant strings. Once, when the library is loaded.
pub fn init(ruby: &Ruby) {
    let make = |text: &str| Opaque::from(constant(ruby, text));
    KEYS.get_or_init(|| Keys {
        request_method: make("REQUEST_METHOD"),
        request_uri: make("REQUEST_URI"),
        path_info: make("PATH_INFO"),
        query_string: make("QUERY_STRING"),
        server_name: make("SERVER_NAME"),
        server_port: make("SERVER_PORT"),
        server_protocol: make("SERVER_PROTOCOL"),
        http_version: make("HTTP_VERSION"),
        remote_addr: make("REMOTE_ADDR"),
        http_host: make("HTTP_HOST"),
        common: COMMON.map(|name| {
            let mut buffer = Vec::new();
            make(std::str::from_utf8(key_bytes(name, &mut buffer)).expect("ASCII"))
        }),
        get: make("GET"),
        post: make("POST"),
        http_10: make("HTTP/1.0"),
        http_11: make("HTTP/1.1"),
        empty: make(""),
        local: make("127.0.0.1"),
    });
}

/// Where the request came in.
pub struct Origin<'l> {
    /// Who sent it.
    pub peer: Peer,
    /// The listener's name and port, for requests without Host.
    pub name: &'l [u8],
    /// See above.
    pub port: u16,
}

/// Builds the environment of `head`.
pub fn build(
    ruby: &Ruby,
    template: RHash,
    head: &Head<'_, '_>,
    origin: &Origin<'_>,
) -> Result<RHash, Error> {
    let keys = KEYS.get().expect("init has run");
    let env = duplicate(template)?;
    let set = |key: Opaque<RString>, value: RString| env.aset(ruby.get_inner(key), value);
    let fresh = |bytes: &[u8]| ruby.str_from_slice(bytes);
    let empty = ruby.get_inner(keys.empty);

    set(
        keys.request_method,
        match head.method {
            "GET" => ruby.get_inner(keys.get),
            "POST" => ruby.get_inner(keys.post),
            other => fresh(other.as_bytes()),
        },
    )?;
    let target = &head.target;
    set(keys.request_uri, fresh(target.raw.as_bytes()))?;
    set(keys.path_info, fresh(target.path.as_bytes()))?;
    let query = if target.query.is_empty() {
        empty
    } else {
        fresh(target.query.as_bytes())
    };
    set(keys.query_string, query)?;
    let protocol = ruby.get_inner(if head.minor_version == 0 {
        keys.http_10
    } else {
        keys.http_11
    });
    set(keys.server_protocol, protocol)?;
    match origin.peer {
        Peer::Ip(ip) => set(keys.remote_addr, fresh(ip.to_string().as_bytes()))?,
        // The SPEC wants an address; who can reach the socket's file is on this machine.
        Peer::Unix => set(keys.remote_addr, ruby.get_inner(keys.local))?,
    }
    for field in head.fields {
        if !head::is_ambiguous(field.name) {
            set_field(ruby, env, field.name, field.value)?;
        }
    }
    // After the fields: one called Version has the same key.
    set(keys.http_version, protocol)?;
    let host = head.host.filter(|host| !host.is_empty());
    if let Some(host) = host {
        // An absolute target has replaced it (RFC 9112, section 3.2.2).
        set(keys.http_host, fresh(host))?;
    }
    let (name, port) =
        (host.and_then(authority::split)).unwrap_or((origin.name, Some(origin.port)));
    set(keys.server_name, fresh(name))?;
    set(
        keys.server_port,
        fresh(port.unwrap_or(80).to_string().as_bytes()),
    )?;
    Ok(env)
}

/// A name's value, joined to what an earlier line of the same name said (RFC 9110, section 5.3; cookies: RFC 6265, 5.4).
fn set_field(ruby: &Ruby, env: RHash, name: &str, value: &[u8]) -> Result<(), Error> {
    let key = field_key(ruby, name)?;
    let Some(earlier) = env.get(key).and_then(RString::from_value) else {
        return env.aset(key, ruby.str_from_slice(value));
    };
    let separator = if name.eq_ignore_ascii_case("cookie") {
        "; "
    } else {
        ", "
    };
    if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("host") {
        return Ok(()); // repeated, and checked to be the same
    }
    // SAFETY: the bytes are copied before Ruby is called again.
    let joined = unsafe { [earlier.as_slice(), separator.as_bytes(), value].concat() };
    env.aset(key, ruby.str_from_slice(&joined))
}

fn field_key(ruby: &Ruby, name: &str) -> Result<RString, Error> {
    let keys = KEYS.get().expect("init has run");
    let known = COMMON
        .iter()
        .position(|common| common.eq_ignore_ascii_case(name));
    if let Some(index) = known {
        return Ok(ruby.get_inner(keys.common[index]));
    }
    let mut buffer = Vec::new();
    intern(ruby, key_bytes(name, &mut buffer))
}

/// `X-Request-Id` becomes `HTTP_X_REQUEST_ID`; the two that CGI calls by their plain names keep them.
fn key_bytes<'b>(name: &str, buffer: &'b mut Vec<u8>) -> &'b [u8] {
    if !name.eq_ignore_ascii_case("content-type") && !name.eq_ignore_ascii_case("content-length") {
        buffer.extend_from_slice(b"HTTP_");
    }
    buffer.extend(name.bytes().map(|byte| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_uppercase(),
    }));
    buffer
}

fn duplicate(template: RHash) -> Result<RHash, Error> {
    let raw = template.as_raw();
    // SAFETY: a Hash goes in and a Hash comes out; nothing with a destructor inside protect.
    let copy = protect(|| unsafe { rb_sys::rb_hash_dup(raw) })?;
    // SAFETY: as above.
    Ok(RHash::from_value(unsafe { Value::from_raw(copy) }).expect("a Hash"))
}

//! The Rack environment of a request.
//!
//! What is the same for every request comes from a template (lib/pitchfork/rack_env.rb), duplicated: that is the fastest way to make a Hash of this size.
//! Keys are interned, values are fresh binary strings that the app may keep and change.

use std::os::fd::RawFd;
use std::sync::OnceLock;

use magnus::rb_sys::{AsRawValue, FromRawValue, protect};
use magnus::value::{Opaque, ReprValue};
use magnus::{Error, RHash, RString, Ruby, Value};
use pitchfork_core::http::{Head, authority, head};

use crate::rotation::Listener;
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
    hijack: Opaque<RString>,
    socket: Opaque<RString>,
    response_finished: Opaque<RString>,
    after_reply: Opaque<RString>,
    common: [Opaque<RString>; COMMON.len()],
    /// Values.
    post: Opaque<RString>,
    http_10: Opaque<RString>,
}

static KEYS: OnceLock<Keys> = OnceLock::new();

fn keys() -> &'static Keys {
    KEYS.get().expect("init has run")
}

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
        hijack: make("rack.hijack"),
        socket: make("pitchfork.socket"),
        response_finished: make("rack.response_finished"),
        after_reply: make("rack.after_reply"),
        common: COMMON.map(|name| {
            let mut buffer = Vec::new();
            make(std::str::from_utf8(key_bytes(name, &mut buffer)).expect("ASCII"))
        }),
        post: make("POST"),
        http_10: make("HTTP/1.0"),
    });
}

/// Where requests come in, as the template says it. It changes seldom: behind a proxy never.
#[derive(Default)]
pub struct Place {
    /// What the template was told last.
    told: Option<(Peer, RawFd, Vec<u8>)>,
}

impl Place {
    /// Has the template say who sends the request, and to whom. Its strings are frozen, for many requests share them.
    pub fn settle(
        &mut self,
        ruby: &Ruby,
        template: RHash,
        peer: Peer,
        listener: &Listener,
        host: Option<&[u8]>,
    ) -> Result<(), Error> {
        let host = host.unwrap_or_default();
        if (self.told.as_ref())
            .is_some_and(|(p, fd, h)| *p == peer && *fd == listener.fd && h == host)
        {
            return Ok(());
        }
        let keys = keys();
        let frozen = |text: &[u8]| {
            let string = ruby.str_from_slice(text);
            string.freeze();
            string
        };
        // Without Host, or with an empty one, the listener's own.
        let given = Some(host).filter(|host| !host.is_empty());
        let (name, port) =
            (given.and_then(authority::split)).unwrap_or((&listener.name, Some(listener.port)));
        let port = port.unwrap_or(80).to_string();
        let address = match peer {
            Peer::Ip(ip) => ip.to_string(),
            // The SPEC wants an address, and who can reach the socket's file is on this machine.
            Peer::Unix => "127.0.0.1".to_string(),
        };
        store_all(
            template,
            &[
                (ruby.get_inner(keys.server_name), frozen(name)),
                (ruby.get_inner(keys.server_port), frozen(port.as_bytes())),
                (ruby.get_inner(keys.remote_addr), frozen(address.as_bytes())),
            ],
        )?;
        self.told = Some((peer, listener.fd, host.to_vec()));
        Ok(())
    }
}

/// Builds the environment of `head`. The template has all keys but those of the fields, the values of the commonest request
/// (a GET without query, in HTTP/1.1) and of the request's [`Place`], so that the copy neither grows nor is told what it
/// knows already.
pub fn build(ruby: &Ruby, template: RHash, head: &Head<'_, '_>) -> Result<RHash, Error> {
    let keys = keys();
    let env = duplicate(template)?;
    let fresh = |bytes: &[u8]| ruby.str_from_slice(bytes);
    let key = |key: Opaque<RString>| ruby.get_inner(key);

    store_all(
        env,
        &[
            (key(keys.request_uri), fresh(head.target.raw.as_bytes())),
            (key(keys.path_info), fresh(head.target.path.as_bytes())),
        ],
    )?;
    match head.method {
        "GET" => {}
        "POST" => env.aset(key(keys.request_method), ruby.get_inner(keys.post))?,
        other => env.aset(key(keys.request_method), fresh(other.as_bytes()))?,
    }
    if !head.target.query.is_empty() {
        env.aset(key(keys.query_string), fresh(head.target.query.as_bytes()))?;
    }
    for (index, field) in head.fields.iter().enumerate() {
        if head::is_ambiguous(field.name) || is_set_otherwise(field.name) {
            continue;
        }
        let earlier = &head.fields[..index];
        // Comparing a few names costs less than asking the Hash.
        if earlier
            .iter()
            .any(|e| e.name.eq_ignore_ascii_case(field.name))
        {
            join_field(ruby, env, field.name, field.value)?;
        } else {
            env.aset(field_key(ruby, field.name)?, fresh(field.value))?;
        }
    }
    if let Some(host) = head.host.filter(|host| !host.is_empty()) {
        // An absolute target has replaced it (RFC 9112, section 3.2.2).
        env.aset(key(keys.http_host), fresh(host))?;
    }
    if head.minor_version == 0 {
        let version = ruby.get_inner(keys.http_10);
        store_all(
            env,
            &[
                (key(keys.server_protocol), version),
                (key(keys.http_version), version),
            ],
        )?;
    }
    Ok(env)
}

/// Puts in what belongs to the connection: the client, and the list of what to call when all is over.
pub fn attach(ruby: &Ruby, env: RHash, client: Value) -> Result<(), Error> {
    let keys = keys();
    let finished = ruby.ary_new().as_value();
    store_all(
        env,
        &[
            (ruby.get_inner(keys.hijack), client),
            (ruby.get_inner(keys.socket), client),
            (ruby.get_inner(keys.response_finished), finished),
            (ruby.get_inner(keys.after_reply), finished),
        ],
    )
}

/// Stores several pairs under one protection.
fn store_all<V: ReprValue>(env: RHash, pairs: &[(RString, V)]) -> Result<(), Error> {
    protect(|| {
        for (key, value) in pairs {
            // SAFETY: live values, kept by the caller's stack; nothing here has a destructor.
            unsafe { rb_sys::rb_hash_aset(env.as_raw(), key.as_raw(), value.as_raw()) };
        }
        rb_sys::Qnil.into()
    })
    .map(|_| ())
}

/// Host is taken from the head, where it is checked. A field called Version would take the place of HTTP_VERSION.
fn is_set_otherwise(name: &str) -> bool {
    matches!(name.len(), 4 | 7)
        && (name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("version"))
}

/// Joins a value to what an earlier line of the same name said (RFC 9110, section 5.3; cookies: RFC 6265, 5.4).
fn join_field(ruby: &Ruby, env: RHash, name: &str, value: &[u8]) -> Result<(), Error> {
    let key = field_key(ruby, name)?;
    let Some(earlier) = env.get(key).and_then(RString::from_value) else {
        return env.aset(key, ruby.str_from_slice(value));
    };
    let separator = if name.eq_ignore_ascii_case("cookie") {
        "; "
    } else {
        ", "
    };
    if name.eq_ignore_ascii_case("content-length") {
        return Ok(()); // repeated, and checked to be the same
    }
    // SAFETY: the bytes are copied before Ruby is called again.
    let joined = unsafe { [earlier.as_slice(), separator.as_bytes(), value].concat() };
    env.aset(key, ruby.str_from_slice(&joined))
}

fn field_key(ruby: &Ruby, name: &str) -> Result<RString, Error> {
    let keys = keys();
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

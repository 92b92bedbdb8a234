//! The Rack environment of a request.
//!
//! What is the same for every request comes from a template (lib/pitchfork/rack_env.rb), duplicated: that is the fastest way to make a Hash of this size.
//! Keys are interned, values are fresh binary strings that the app may keep and change.

mod names;
mod place;

use std::ffi::c_long;
use std::sync::OnceLock;

use magnus::rb_sys::{AsRawValue, FromRawValue, protect};
use magnus::value::{Opaque, ReprValue};
use magnus::{Error, RHash, RString, Ruby, Value};
use pitchfork_core::http::{Head, Header, Trailers};

use crate::ruby::strings::{self, constant, intern};
use names::{COMMON, HOST, Index, LONG, PREFIX, is_left_out, is_same, key_bytes};
pub use place::Place;

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
    timeout: Opaque<RString>,
    response_finished: Opaque<RString>,
    after_reply: Opaque<RString>,
    url_scheme: Opaque<RString>,
    https: Opaque<RString>,
    trailers: Opaque<RString>,
    index: Index,
    common: [Opaque<RString>; COMMON.len()],
    /// Values.
    http_scheme: Opaque<RString>,
    https_scheme: Opaque<RString>,
    on: Opaque<RString>,
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
        timeout: make("pitchfork.timeout"),
        response_finished: make("rack.response_finished"),
        after_reply: make("rack.after_reply"),
        index: Index::new(),
        common: COMMON.map(|name| {
            let mut buffer = [0; LONG];
            let key = key_bytes(name, &mut buffer).expect("common names are short");
            make(std::str::from_utf8(key).expect("ASCII"))
        }),
        url_scheme: make("rack.url_scheme"),
        https: make("HTTPS"),
        trailers: make("pitchfork.trailers"),
        http_scheme: make("http"),
        https_scheme: make("https"),
        on: make("on"),
        post: make("POST"),
        http_10: make("HTTP/1.0"),
    });
}

/// Builds the environment of `head`. The template has all keys but those of the fields, the values of the commonest request
/// (a GET without query, in HTTP/1.1) and of the request's [`Place`], so that the copy neither grows nor is told what it
/// knows already.
pub fn build(ruby: &Ruby, template: RHash, head: &Head<'_, '_>) -> Result<RHash, Error> {
    let keys = keys();
    let env = duplicate(template)?;
    let raw = env.as_raw();
    let mut repeated = None;
    // All of it under one protection: each costs as much as a store.
    protect(|| {
        let put = |key: Opaque<RString>, value: rb_sys::VALUE| {
            // SAFETY: live values. What Ruby raises ends in `protect`: nothing in this closure has a destructor.
            unsafe { rb_sys::rb_hash_aset(raw, ruby.get_inner(key).as_raw(), value) };
        };
        put(keys.request_uri, fresh(head.target.raw.as_bytes()));
        put(keys.path_info, fresh(head.target.path.as_bytes()));
        match head.method {
            "GET" => {}
            "POST" => put(keys.request_method, ruby.get_inner(keys.post).as_raw()),
            other => put(keys.request_method, fresh(other.as_bytes())),
        }
        if !head.target.query.is_empty() {
            put(keys.query_string, fresh(head.target.query.as_bytes()));
        }
        if head.minor_version == 0 {
            let version = ruby.get_inner(keys.http_10).as_raw();
            put(keys.server_protocol, version);
            put(keys.http_version, version);
        }
        // Checked, and possibly that of an absolute target, which replaces the field (RFC 9112, section 3.2.2).
        if let Some(host) = head.host.filter(|host| !host.is_empty()) {
            put(keys.http_host, fresh(host));
        }
        repeated = store_fields(ruby, raw, head.fields);
        rb_sys::Qnil.into()
    })?;
    if let Some(first) = repeated {
        join_fields(ruby, env, head.fields, first)?;
    }
    Ok(env)
}

/// A String with these bytes. Only under [`protect`].
fn fresh(bytes: &[u8]) -> rb_sys::VALUE {
    let length = c_long::try_from(bytes.len()).unwrap_or(0); // slices always fit
    // SAFETY: pointer and length are those of a slice, which is copied.
    unsafe { rb_sys::rb_str_new(strings::start(bytes), length) }
}

/// Stores the fields up to the first that is a repetition, or has an unusually long name, and answers its index. Only under
/// [`protect`].
fn store_fields(ruby: &Ruby, env: rb_sys::VALUE, fields: &[Header<'_>]) -> Option<usize> {
    let keys = keys();
    // Which of the common ones have been there.
    let mut seen = 0u64;
    for (index, field) in fields.iter().enumerate() {
        let key = match keys.index.find(field.name) {
            Some(HOST) => continue, // taken from the head
            Some(common) if seen >> common & 1 == 1 => return Some(index),
            Some(common) => {
                seen |= 1 << common;
                ruby.get_inner(keys.common[common]).as_raw()
            }
            None if is_left_out(field.name) => continue,
            None => {
                let earlier = &fields[..index];
                let mut buffer = [0; LONG];
                let name = key_bytes(field.name, &mut buffer)
                    .filter(|_| !earlier.iter().any(|e| is_same(e.name, field.name)));
                let Some(name) = name else {
                    return Some(index);
                };
                strings::intern_unprotected(name)
            }
        };
        // SAFETY: live values; no destructor in the way of what Ruby raises.
        unsafe { rb_sys::rb_hash_aset(env, key, fresh(plain(field))) };
    }
    None
}

/// Stores the fields from `first` on, joined with those of the same names before them.
fn join_fields(ruby: &Ruby, env: RHash, fields: &[Header<'_>], first: usize) -> Result<(), Error> {
    for field in &fields[first..] {
        if !is_same(field.name, "host") && !is_left_out(field.name) {
            join_field(ruby, env, field.name, plain(field))?;
        }
    }
    Ok(())
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
            (ruby.get_inner(keys.timeout), client),
            (ruby.get_inner(keys.response_finished), finished),
            (ruby.get_inner(keys.after_reply), finished),
        ],
    )
}

/// Puts in the fields that came behind a chunked body, if there are any.
pub fn add_trailers(ruby: &Ruby, env: RHash, trailers: Trailers<'_>) -> Result<(), Error> {
    let mut trailers = trailers.peekable();
    if trailers.peek().is_none() {
        return Ok(());
    }
    let all = ruby.hash_new();
    for (name, value) in trailers {
        let name = intern(ruby, name.to_ascii_lowercase().as_bytes())?;
        let value = match all.get(name).and_then(RString::from_value) {
            // SAFETY: the bytes are copied before Ruby is called again.
            Some(earlier) => unsafe { [earlier.as_slice(), b", ", value].concat() },
            None => value.to_vec(),
        };
        all.aset(name, ruby.str_from_slice(&value))?;
    }
    env.aset(ruby.get_inner(keys().trailers), all)
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

/// A value as the app is to have it: `Integer("010")` is 8 in Ruby, and a `Content-Length` of 010 is ten (RFC 9110, section 8.6).
fn plain<'b>(field: &Header<'b>) -> &'b [u8] {
    match field.value {
        [b'0', .., _] if is_same(field.name, "content-length") => {
            let zeros = field
                .value
                .iter()
                .take_while(|&&digit| digit == b'0')
                .count();
            &field.value[zeros.min(field.value.len() - 1)..]
        }
        value => value,
    }
}

/// Joins a value to what an earlier line of the same name said (RFC 9110, section 5.3; cookies: RFC 6265, 5.4).
fn join_field(ruby: &Ruby, env: RHash, name: &str, value: &[u8]) -> Result<(), Error> {
    let key = field_key(ruby, name)?;
    let Some(earlier) = env.get(key).and_then(RString::from_value) else {
        return env.aset(key, ruby.str_from_slice(value));
    };
    let separator = if is_same(name, "cookie") { "; " } else { ", " };
    if is_same(name, "content-length") {
        return Ok(()); // repeated, and checked to be the same
    }
    // SAFETY: the bytes are copied before Ruby is called again.
    let joined = unsafe { [earlier.as_slice(), separator.as_bytes(), value].concat() };
    env.aset(key, ruby.str_from_slice(&joined))
}

fn field_key(ruby: &Ruby, name: &str) -> Result<RString, Error> {
    let keys = keys();
    if let Some(common) = keys.index.find(name) {
        return Ok(ruby.get_inner(keys.common[common]));
    }
    let mut buffer = vec![0; name.len() + PREFIX.len()];
    intern(ruby, key_bytes(name, &mut buffer).unwrap_or_default())
}

fn duplicate(template: RHash) -> Result<RHash, Error> {
    let raw = template.as_raw();
    // SAFETY: a Hash goes in and a Hash comes out; nothing with a destructor inside protect.
    let copy = protect(|| unsafe { rb_sys::rb_hash_dup(raw) })?;
    // SAFETY: as above.
    Ok(RHash::from_value(unsafe { Value::from_raw(copy) }).expect("a Hash"))
}

//! The response: its head from what the app returned, its body onto the socket.

use std::cell::Cell;

use magnus::r_hash::ForEach;
use magnus::{Error, Integer, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value, prelude::*};
use pitchfork_core::http::{BodyFraming, BodySize, RequestFacts, ResponseHead, http_date};

use crate::ruby::outlet::Outlet;
use crate::ruby::{errors, strings};
use crate::sys::clock;

/// A body up to this size, in bytes, is copied.
pub const SMALL: u64 = 16 * 1024;

thread_local! {
    static DATE: Cell<(u64, [u8; 29])> = const { Cell::new((0, [0; 29])) };
}

/// The Date field's value, written once a second.
pub fn date() -> [u8; 29] {
    let now = clock::unix_seconds();
    let (second, date) = DATE.get();
    if second == now {
        return date;
    }
    let date = http_date(now);
    DATE.set((now, date));
    date
}

/// Writes the head of a response and says how its body is to be sent.
///
/// `headers`: names to a String, in which newlines separate several values (Rack 2), or an Array of Strings (Rack 3). Neither
/// version allows an Integer, a Symbol or nil, and apps that other servers run have them: the first two are written as
/// text, nil takes the field out. Names that begin with `rack.` are between app and server.
pub fn head(
    ruby: &Ruby,
    status: u16,
    headers: RHash,
    request: &RequestFacts,
    size: BodySize,
    out: &mut Vec<u8>,
) -> Result<Sent, Error> {
    if !(200..1000).contains(&status) && (status != 101 || request.minor_version == 0) {
        let expected = "an Integer from 200 to 999, or 101 in HTTP/1.1";
        let why = format!("status {status}: expected {expected}");
        return Err(errors::response(ruby, why));
    }
    let mut head = ResponseHead::begin(out, status);
    fields(ruby, &mut head, headers)?;
    let announced = head.content_length();
    let framing = head.finish(request, size, &date());
    Ok(Sent { framing, announced })
}

/// Writes the head of an interim response, 1xx but for 101.
pub fn interim(
    ruby: &Ruby,
    status: u16,
    headers: RHash,
    request: &RequestFacts,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut head = ResponseHead::begin(out, status);
    fields(ruby, &mut head, headers)?;
    head.finish(request, BodySize::Unknown, &date());
    Ok(())
}

/// What a head has said of the body.
pub struct Sent {
    pub framing: BodyFraming,
    /// The app's own `Content-Length`.
    announced: Option<u64>,
}

impl Sent {
    /// What the app has announced, if the body has another length.
    pub fn mistaken(&self) -> Option<u64> {
        match self.framing {
            BodyFraming::Length(length) => self.announced.filter(|announced| *announced != length),
            _ => None,
        }
    }
}

fn fields(ruby: &Ruby, head: &mut ResponseHead<'_>, headers: RHash) -> Result<(), Error> {
    headers.foreach(|name: Value, value: Value| {
        let name = string(ruby, name, "a header name")?;
        match RArray::from_value(value) {
            Some(values) => {
                (values.into_iter()).try_for_each(|value| field(ruby, head, name, value))?;
            }
            None => field(ruby, head, name, value)?,
        }
        Ok(ForEach::Continue)
    })
}

fn field(
    ruby: &Ruby,
    head: &mut ResponseHead<'_>,
    name: RString,
    value: Value,
) -> Result<(), Error> {
    // SAFETY: used up before any Ruby code runs.
    if value.is_nil() || unsafe { name.as_slice() }.starts_with(b"rack.") {
        return Ok(());
    }
    let value = field_value(ruby, value)?;
    // SAFETY: no Ruby code runs until the bytes are copied, and both Strings are kept alive (see below).
    let (name_bytes, bytes) = unsafe { (strings::bytes(name), strings::bytes(value)) };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let added = lines.try_for_each(|line| head.field(name_bytes, line));
    std::hint::black_box(value);
    added.map_err(|error| {
        let name = String::from_utf8_lossy(name_bytes);
        errors::response(ruby, format!("response header {name:?}: {error}"))
    })?;
    std::hint::black_box(name);
    Ok(())
}

fn field_value(ruby: &Ruby, value: Value) -> Result<RString, Error> {
    if Integer::from_value(value).is_some() || Symbol::from_value(value).is_some() {
        return value.to_r_string();
    }
    string(ruby, value, "a header value")
}

fn string(ruby: &Ruby, value: Value, what: &str) -> Result<RString, Error> {
    RString::try_convert(value)
        .map_err(|_| errors::response(ruby, format!("{what} is not a String: {value:?}")))
}

/// The bytes in an Array body.
pub fn array_size(ruby: &Ruby, body: RArray) -> Result<u64, Error> {
    // SAFETY: no Ruby code runs while the slice is borrowed, unless it is given up with an error.
    (unsafe { body.as_slice() }.iter()).try_fold(0, |sum, part| {
        body_part(ruby, *part).map(|part| sum + part.len() as u64)
    })
}

fn body_part(ruby: &Ruby, part: Value) -> Result<RString, Error> {
    RString::from_value(part)
        .ok_or_else(|| errors::response(ruby, format!("a body part is not a String: {part:?}")))
}

/// Sends the head and an Array body of `size` bytes, in one system call if the socket takes it, before the connection is
/// closed. A small body is copied behind the head: that costs less than to tell the kernel of several pieces.
pub fn send_array(
    ruby: &Ruby,
    outlet: &Outlet<'_>,
    mut head: Vec<u8>,
    body: RArray,
    size: u64,
) -> Result<(), Error> {
    if size <= SMALL {
        // SAFETY: copied at once; no Ruby code runs.
        for part in unsafe { body.as_slice() } {
            let part = body_part(ruby, *part)?;
            // SAFETY: as above.
            head.extend_from_slice(unsafe { part.as_slice() });
        }
        return outlet.send_last(ruby, &head);
    }
    let mut skip = outlet.send_gathered(ruby, &head, body)?;
    if skip < head.len() {
        outlet.send_all(ruby, &head[skip..])?;
    }
    skip = skip.saturating_sub(head.len());
    for index in 0..body.len() {
        // Other threads may have changed the array since; what is sent then is wrong, but is a String.
        let part = body_part(
            ruby,
            body.entry(isize::try_from(index).unwrap_or(isize::MAX))?,
        )?;
        if skip >= part.len() {
            skip -= part.len();
            continue;
        }
        outlet.send_string(ruby, part, skip)?;
        skip = 0;
    }
    Ok(())
}

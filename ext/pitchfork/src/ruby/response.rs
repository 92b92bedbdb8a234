//! The response: its head from what the app returned, its body onto the socket.

use std::cell::Cell;

use magnus::r_hash::ForEach;
use magnus::{Error, Integer, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value, prelude::*};
use pitchfork_core::http::{BodyFraming, BodySize, RequestFacts, ResponseHead, http_date};

use crate::ruby::errors;
use crate::ruby::outlet::Outlet;
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
) -> Result<BodyFraming, Error> {
    if !(100..1000).contains(&status) {
        let why = format!("status {status}: expected an Integer from 100 to 999");
        return Err(errors::response(ruby, why));
    }
    let mut head = ResponseHead::begin(out, status);
    headers.foreach(|name: Value, value: Value| {
        let name = string(ruby, name, "a header name")?;
        // SAFETY: neither string is changed or freed before the bytes are copied: no Ruby code runs in between.
        let name = unsafe { name.as_slice() };
        if name.starts_with(b"rack.") {
            return Ok(ForEach::Continue);
        }
        let mut add = |value: Value| -> Result<(), Error> {
            if value.is_nil() {
                return Ok(());
            }
            let value = field_value(ruby, value)?;
            // SAFETY: as above.
            let value = unsafe { value.as_slice() };
            for line in value.split(|byte| *byte == b'\n') {
                head.field(name, line).map_err(|error| {
                    let name = String::from_utf8_lossy(name);
                    errors::response(ruby, format!("response header {name:?}: {error}"))
                })?;
            }
            Ok(())
        };
        match RArray::from_value(value) {
            Some(values) => values.into_iter().try_for_each(add)?,
            None => add(value)?,
        }
        Ok(ForEach::Continue)
    })?;
    Ok(head.finish(request, size, &date()))
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

/// Sends the head and an Array body of `size` bytes, in one system call if the socket takes it, before the connection is closed. A small body is copied behind
/// the head: that costs less than to tell the kernel of several pieces.
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

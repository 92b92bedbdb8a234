//! The response: its head from what the app returned, its body onto the socket.

use std::cell::Cell;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use magnus::r_hash::ForEach;
use magnus::{Error, Integer, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value, prelude::*};
use nix::poll::PollFlags;
use pitchfork_core::http::{BodyFraming, BodySize, RequestFacts, ResponseHead, http_date};

use crate::ruby::{errors, gvl};
use crate::sys::{clock, socket};

/// A client that reads nothing for longer than this is given up.
const STALL: Duration = Duration::from_secs(30);

/// How long a client may go on sending what nobody reads, and how long it may pause: a worker serves nobody meanwhile.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_IDLE: Duration = Duration::from_secs(1);

/// A body up to this size, in bytes, is copied.
const SMALL: u64 = 16 * 1024;

/// So many pieces go into one system call, beside the head. The kernel's limit is 1024 (IOV_MAX).
const PIECES: usize = 64;

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

/// Sends the head and an Array body of `size` bytes, in one system call if the socket takes it. A small body is copied behind
/// the head: that costs less than to tell the kernel of several pieces.
pub fn send_array(
    ruby: &Ruby,
    fd: BorrowedFd<'_>,
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
        return send_all(ruby, fd, &head);
    }
    let mut skip = send_gathered(ruby, fd, &head, body)?;
    if skip < head.len() {
        send_all(ruby, fd, &head[skip..])?;
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
        send_string(ruby, fd, part, skip)?;
        skip = 0;
    }
    Ok(())
}

/// Sends what fits of the head and the first parts of the body at once. Answers how many bytes that was.
fn send_gathered(
    ruby: &Ruby,
    fd: BorrowedFd<'_>,
    head: &[u8],
    body: RArray,
) -> Result<usize, Error> {
    // SAFETY: neither the array nor its strings are touched until the system call is over: it does not block, the GVL is
    // held, and no Ruby code runs.
    let parts = unsafe { body.as_slice() }.iter().take(PIECES);
    let parts: Vec<RString> = parts.copied().map_while(RString::from_value).collect();
    // SAFETY: as above.
    let bytes = parts
        .iter()
        .map(|part| IoSlice::new(unsafe { part.as_slice() }));
    let slices: Vec<_> = std::iter::once(IoSlice::new(head)).chain(bytes).collect();
    let sent = socket::send_gathered(fd, &slices);
    Ok(sent
        .map_err(|errno| errors::client_shutdown(ruby, errno))?
        .unwrap_or(0))
}

/// Sends a String from an offset, waiting as often as needed. A frozen copy (which shares the bytes) is what is sent, so that
/// nobody changes it while other threads run.
pub fn send_string(
    ruby: &Ruby,
    fd: BorrowedFd<'_>,
    string: RString,
    offset: usize,
) -> Result<(), Error> {
    let frozen = RString::from_value(string.funcall::<_, _, Value>("dup", ())?).unwrap_or(string);
    frozen.freeze();
    // SAFETY: frozen, and kept alive by being on this stack until the end (see the last line).
    let bytes = unsafe { frozen.as_slice() };
    let sent = send_all(ruby, fd, &bytes[offset.min(bytes.len())..]);
    std::hint::black_box(frozen);
    sent
}

/// Sends all of it.
pub fn send_all(ruby: &Ruby, fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match socket::send(fd, bytes) {
            Ok(Some(sent)) => bytes = &bytes[sent..],
            Ok(None) => wait_writable(ruby, fd)?,
            Err(errno) => return Err(errors::client_shutdown(ruby, errno)),
        }
    }
    Ok(())
}

/// Closes a connection on which the client is still sending, as when the app did not want its upload. See
/// [`socket::close_gently`] for the reason; this one also waits, within bounds, for what is on its way.
pub fn linger(ruby: &Ruby, fd: OwnedFd) -> Result<(), Error> {
    let until = clock::monotonic() + LINGER;
    let mut scrap = vec![0; 64 * 1024];
    if socket::end(fd.as_fd()).is_err() {
        return Ok(()); // already disconnected
    }
    loop {
        let more = match socket::receive(fd.as_fd(), &mut scrap) {
            Ok(Some(0)) | Err(_) => false, // the client has closed its side, as it should
            Ok(Some(_)) => true,
            Ok(None) => gvl::wait_for(ruby, fd.as_fd(), PollFlags::POLLIN, LINGER_IDLE)?,
        };
        if !more || clock::monotonic() > until {
            return Ok(());
        }
    }
}

/// Waits until the client has read something.
pub fn wait_writable(ruby: &Ruby, fd: BorrowedFd<'_>) -> Result<(), Error> {
    if gvl::wait_for(ruby, fd, PollFlags::POLLOUT, STALL)? {
        Ok(())
    } else {
        let why = format!("the client read nothing for {}s", STALL.as_secs());
        Err(errors::client_shutdown(ruby, why))
    }
}

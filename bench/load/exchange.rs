//! One connection: a request, and how it ends.

use std::ffi::{c_int, c_void};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::cases::Ending;
use crate::options::Options;
use crate::response::judge;

/// How a request ended. The order is the order of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Ok,
    Status,
    Body,
    Refused,
    Reset,
    Short,
    Timeout,
}

/// What the outcomes are called in the text and in the JSON report.
pub const NAMES: [(&str, &str); 7] = [
    ("as expected", "ok"),
    ("other status", "status"),
    ("other body", "body"),
    ("refused", "refused"),
    ("reset", "reset"),
    ("short", "short"),
    ("timed out", "timeout"),
];

pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

trait Duplex: Read + Write + AsRawFd {}
impl<T: Read + Write + AsRawFd> Duplex for T {}

impl Target {
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("unix:").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Unix(path.into()));
        }
        let address = text
            .strip_prefix("http://")
            .unwrap_or(text)
            .trim_end_matches('/');
        let mut found = address
            .to_socket_addrs()
            .map_err(|e| format!("{text}: not HOST:PORT and not a path ({e})"))?;
        found
            .next()
            .map(Self::Tcp)
            .ok_or_else(|| format!("{text}: the host has no address"))
    }

    fn connect(&self, timeout: Duration) -> io::Result<Box<dyn Duplex>> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(timeout))?;
                Ok(Box::new(stream))
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(timeout))?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// One connection: everything the server sends is in `response` afterwards, also when it fails.
pub fn exchange(
    options: &Options,
    request: &[u8],
    ending: &Ending,
    response: &mut Vec<u8>,
) -> Result<Outcome, (Outcome, io::Error)> {
    response.clear();
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => (Outcome::Timeout, error),
        _ => (Outcome::Reset, error),
    };
    let mut stream = options
        .target
        .connect(options.timeout)
        .map_err(|error| (Outcome::Refused, error))?;
    stream.write_all(request).map_err(failed)?;
    match ending {
        Ending::Answer { status, body } => {
            stream.read_to_end(response).map_err(failed)?;
            let to_head = request.starts_with(b"HEAD ");
            Ok(judge(response, to_head, *status, body.as_deref()))
        }
        Ending::Broken => {
            stream.read_to_end(response).map_err(failed)?;
            Ok(match judge(response, false, 200, None) {
                Outcome::Short => Outcome::Ok,
                _ => Outcome::Body,
            })
        }
        Ending::Reset { answered } => {
            if *answered && stream.read(&mut [0]).map_err(failed)? == 0 {
                return Ok(Outcome::Short);
            }
            reset_when_closed(stream.as_raw_fd()).map_err(failed)?;
            Ok(Outcome::Ok)
        }
    }
}

/// Makes the end of a TCP connection a reset. (The peer of a UNIX socket sees one when it is closed with unread data.)
fn reset_when_closed(fd: RawFd) -> io::Result<()> {
    // The C library is linked anyway; the standard library's own wrapper is not stable.
    unsafe extern "C" {
        fn setsockopt(
            fd: c_int,
            level: c_int,
            name: c_int,
            value: *const c_void,
            size: u32,
        ) -> c_int;
    }
    const SOL_SOCKET: c_int = 1;
    const SO_LINGER: c_int = 13;
    let on_for_no_time: [c_int; 2] = [1, 0];
    // SAFETY: the option is a `struct linger`, two ints, which live until the call returns.
    let result = unsafe {
        setsockopt(
            fd,
            SOL_SOCKET,
            SO_LINGER,
            on_for_no_time.as_ptr().cast(),
            size_of_val(&on_for_no_time) as u32,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

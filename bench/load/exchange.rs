//! One request and its response.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::options::Options;

/// How a request ended. The order is the order of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Ok,
    Status,
    Refused,
    Reset,
    Short,
    Timeout,
}

/// What the outcomes are called in the text and in the JSON report.
pub const NAMES: [(&str, &str); 6] = [
    ("200", "ok"),
    ("other status", "status"),
    ("refused", "refused"),
    ("reset", "reset"),
    ("short", "short"),
    ("timed out", "timeout"),
];

pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

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
    response: &mut Vec<u8>,
) -> Result<(), (Outcome, io::Error)> {
    response.clear();
    let mut stream = options
        .target
        .connect(options.timeout)
        .map_err(|error| (Outcome::Refused, error))?;
    stream
        .write_all(request)
        .and_then(|()| stream.read_to_end(response))
        .map(drop)
        .map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => (Outcome::Timeout, error),
            _ => (Outcome::Reset, error),
        })
}

/// What a response amounts to, given all bytes up to the end of file.
pub fn judge(response: &[u8]) -> Outcome {
    let Some(end) = response.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Outcome::Short;
    };
    let (head, body) = (&response[..end], &response[end + 4..]);
    let header = |name: &str| {
        head.split(|&b| b == b'\n').find_map(|line| {
            let (key, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let whole = match (header("content-length"), header("transfer-encoding")) {
        (Some(length), _) => length.parse() == Ok(body.len()),
        (None, Some(_)) => body.ends_with(b"0\r\n\r\n"),
        (None, None) => true,
    };
    match (whole, head.get(9..12)) {
        (false, _) => Outcome::Short,
        (true, Some(b"200")) => Outcome::Ok,
        (true, _) => Outcome::Status,
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, judge};

    #[test]
    fn a_response_is_judged_by_status_and_length() {
        for (response, outcome) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                Outcome::Ok,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi",
                Outcome::Short,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nhi",
                Outcome::Short,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                Outcome::Ok,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
                Outcome::Short,
            ),
            ("HTTP/1.1 200 OK\r\n\r\nup to the end of file", Outcome::Ok),
            (
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
                Outcome::Status,
            ),
            ("HTTP/1.1 200 OK\r\ncontent-le", Outcome::Short),
            ("", Outcome::Short),
        ] {
            assert_eq!(judge(response.as_bytes()), outcome, "{response:?}");
        }
    }
}

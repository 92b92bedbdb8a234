//! Status codes and their reason phrases.

/// Defines the table once, as reason phrases and as whole status lines: one copy writes a line.
macro_rules! statuses {
    ($($code:literal $reason:literal,)*) => {
        /// The reason phrase of a status code, as the IANA registry has it; empty for one it does not have.
        #[must_use]
        pub fn reason(status: u16) -> &'static str {
            match status {
                $($code => $reason,)*
                _ => "",
            }
        }

        /// The status line of a known code, with its CRLF.
        pub(super) fn known_line(status: u16) -> Option<&'static str> {
            match status {
                $($code => Some(concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n")),)*
                _ => None,
            }
        }
    };
}

statuses! {
    100 "Continue",
    101 "Switching Protocols",
    102 "Processing",
    103 "Early Hints",
    200 "OK",
    201 "Created",
    202 "Accepted",
    203 "Non-Authoritative Information",
    204 "No Content",
    205 "Reset Content",
    206 "Partial Content",
    207 "Multi-Status",
    208 "Already Reported",
    226 "IM Used",
    300 "Multiple Choices",
    301 "Moved Permanently",
    302 "Found",
    303 "See Other",
    304 "Not Modified",
    305 "Use Proxy",
    307 "Temporary Redirect",
    308 "Permanent Redirect",
    400 "Bad Request",
    401 "Unauthorized",
    402 "Payment Required",
    403 "Forbidden",
    404 "Not Found",
    405 "Method Not Allowed",
    406 "Not Acceptable",
    407 "Proxy Authentication Required",
    408 "Request Timeout",
    409 "Conflict",
    410 "Gone",
    411 "Length Required",
    412 "Precondition Failed",
    413 "Content Too Large",
    414 "URI Too Long",
    415 "Unsupported Media Type",
    416 "Range Not Satisfiable",
    417 "Expectation Failed",
    421 "Misdirected Request",
    422 "Unprocessable Content",
    423 "Locked",
    424 "Failed Dependency",
    425 "Too Early",
    426 "Upgrade Required",
    428 "Precondition Required",
    429 "Too Many Requests",
    431 "Request Header Fields Too Large",
    451 "Unavailable For Legal Reasons",
    500 "Internal Server Error",
    501 "Not Implemented",
    502 "Bad Gateway",
    503 "Service Unavailable",
    504 "Gateway Timeout",
    505 "HTTP Version Not Supported",
    506 "Variant Also Negotiates",
    507 "Insufficient Storage",
    508 "Loop Detected",
    510 "Not Extended",
    511 "Network Authentication Required",
}

/// Appends `HTTP/1.1 200 OK` with its CRLF. An unknown code has an empty reason phrase, before which the space stays
/// (RFC 9112, section 4). What is not three digits cannot be sent and becomes 500.
pub(super) fn push_line(out: &mut Vec<u8>, status: u16) {
    let line = match known_line(status) {
        Some(line) => line,
        None if (100..1000).contains(&status) => {
            let digits = [status / 100, status / 10 % 10, status % 10].map(|d| b'0' + d as u8);
            out.extend_from_slice(b"HTTP/1.1 ");
            out.extend_from_slice(&digits);
            " \r\n"
        }
        None => "HTTP/1.1 500 Internal Server Error\r\n",
    };
    out.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (status, line) in [
            (200, "HTTP/1.1 200 OK\r\n"),
            (404, "HTTP/1.1 404 Not Found\r\n"),
            (299, "HTTP/1.1 299 \r\n"),
            (999, "HTTP/1.1 999 \r\n"),
            (99, "HTTP/1.1 500 Internal Server Error\r\n"),
            (1000, "HTTP/1.1 500 Internal Server Error\r\n"),
        ] {
            let mut out = Vec::new();
            push_line(&mut out, status);
            assert_eq!(String::from_utf8(out).unwrap(), line);
        }
    }
}

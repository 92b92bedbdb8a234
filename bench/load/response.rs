//! Whether a response is the expected one.

use crate::exchange::Outcome;

/// What a response amounts to, given all bytes up to the end of file: whether it is whole, and has this status and body.
pub fn judge(
    mut response: &[u8],
    to_head: bool,
    expected: u16,
    expected_body: Option<&[u8]>,
) -> Outcome {
    let (head, body) = loop {
        let Some(end) = find(response, b"\r\n\r\n") else {
            return Outcome::Short;
        };
        let (head, rest) = (&response[..end], &response[end + 4..]);
        if head.get(9) != Some(&b'1') {
            break (head, rest);
        }
        response = rest; // an interim response
    };
    let status = head
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let length = field(head, "content-length");
    let bodiless = to_head || matches!(status, Some(204 | 304));
    let dechunked;
    let body = match field(head, "transfer-encoding") {
        _ if bodiless && body.is_empty() => body,
        _ if bodiless => return Outcome::Body,
        Some(_) => match dechunk(body) {
            Some(data) => {
                dechunked = data;
                &dechunked[..]
            }
            None => return Outcome::Short,
        },
        None if length.is_some_and(|length| length.parse() != Ok(body.len())) => {
            return Outcome::Short;
        }
        None => body,
    };
    match expected_body {
        _ if status != Some(expected) => Outcome::Status,
        Some(wanted) if wanted != body => Outcome::Body,
        _ => Outcome::Ok,
    }
}

fn field<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let (key, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The data of a chunked body without extensions and trailers; `None` when it is not whole.
fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let end = find(rest, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        let chunk = rest.get(..size)?;
        rest = rest[size..].strip_prefix(b"\r\n")?;
        if size == 0 {
            return rest.is_empty().then_some(data);
        }
        data.extend_from_slice(chunk);
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::exchange::Outcome;

    #[test]
    fn a_response_is_judged_by_status_and_length() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (response, outcome) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                Outcome::Ok,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nho",
                Outcome::Body,
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
                &format!("{chunked}1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"),
                Outcome::Ok,
            ),
            (&format!("{chunked}2\r\nho\r\n0\r\n\r\n"), Outcome::Body),
            (&format!("{chunked}2\r\nhi\r\n"), Outcome::Short),
            (&format!("{chunked}3\r\nhi\r\n0\r\n\r\n"), Outcome::Short),
            ("HTTP/1.1 200 OK\r\n\r\nhi", Outcome::Ok),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi",
                Outcome::Ok,
            ),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\nhi",
                Outcome::Status,
            ),
            ("HTTP/1.1 200 OK\r\ncontent-le", Outcome::Short),
            ("", Outcome::Short),
        ] {
            let judged = judge(response.as_bytes(), false, 200, Some(b"hi"));
            assert_eq!(judged, outcome, "{response:?}");
        }
    }

    #[test]
    fn a_response_to_head_has_no_body() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(judge(head, true, 200, None), Outcome::Ok);
        assert_eq!(
            judge(&[&head[..], b"hi"].concat(), true, 200, None),
            Outcome::Body
        );
    }
}

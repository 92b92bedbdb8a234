//! Response heads. Of an input, the first two bytes are the status, the third says what was asked for, the fourth what
//! is known of the body; then come fields: a byte with the length of the name, the name, and likewise the value.

use pitchfork_core::http::{BodyFraming, BodySize, RequestFacts, ResponseHead};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// The fields that only the server writes, whatever the application says.
const OWN: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

pub fn check(input: &[u8]) {
    let [high, low, request, size, fields @ ..] = input else {
        return;
    };
    let status = u16::from_be_bytes([*high, *low]);
    let request = RequestFacts {
        head_method: request & 1 != 0,
        connect_method: request & 4 != 0,
        minor_version: request >> 1 & 1,
    };
    let size = match size % 4 {
        0 => BodySize::Known(u64::from(*size)),
        1 => BodySize::Known(u64::MAX - u64::from(*size)),
        2 => BodySize::Unknown,
        _ => BodySize::Hijacked,
    };
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, status);
    let (mut rest, mut accepted) = (fields, Vec::new());
    while !rest.is_empty() && accepted.len() < 100 {
        let (name, value) = (take(&mut rest), take(&mut rest));
        if head.field(name, value).is_ok() {
            accepted.push((name, value));
        }
    }
    let framing = head.finish(&request, size, DATE);

    // Read back, it is exactly one head.
    let mut room = [httparse::EMPTY_HEADER; 110];
    let mut response = httparse::Response::new(&mut room);
    assert_eq!(
        response.parse(&out),
        Ok(httparse::Status::Complete(out.len()))
    );
    let code = response.code.expect("a status");
    assert_eq!(
        code,
        if (100..1000).contains(&status) {
            status
        } else {
            500
        }
    );
    assert!(
        !out.iter()
            .any(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte))
    );
    let ends = out.windows(2).filter(|two| two == b"\r\n").count();
    assert_eq!(ends, response.headers.len() + 2, "a line for each field");
    for alone in [b'\r', b'\n'] {
        assert_eq!(out.iter().filter(|byte| **byte == alone).count(), ends);
    }

    // Its fields are the application's in their order, and then the server's.
    let mut given = accepted.iter();
    let mut own = Vec::new();
    for field in response.headers.iter() {
        let is_own = OWN.iter().any(|name| field.name.eq_ignore_ascii_case(name));
        if is_own || field.name == "Date" && field.value == DATE && own.is_empty() {
            own.push((field.name.to_ascii_lowercase(), field.value));
            continue;
        }
        let found = given.any(|(name, value)| {
            *name == field.name.as_bytes() && value.trim_ascii() == field.value
        });
        assert!(
            found,
            "{}: not the application's, or out of order",
            field.name
        );
        assert!(own.is_empty(), "behind the server's");
    }
    check_framing(code, &request, framing, &own);
}

fn check_framing(
    status: u16,
    request: &RequestFacts,
    framing: BodyFraming,
    own: &[(String, &[u8])],
) {
    let value = |name: &str| {
        let mut values = own
            .iter()
            .filter(|field| field.0 == name)
            .map(|field| field.1);
        let value = values.next();
        assert_eq!(values.next(), None, "two {name}");
        value
    };
    let (length, coding) = (value("content-length"), value("transfer-encoding"));
    assert!(length.is_none() || coding.is_none());
    assert!(coding.is_none_or(|coding| coding == b"chunked" && request.minor_version == 1));
    if status < 200 {
        assert_eq!((framing, length, coding), (BodyFraming::Empty, None, None));
        return;
    }
    assert!(
        value("connection")
            .expect("Connection")
            .starts_with(b"close")
    );
    if request.connect_method && status < 300 {
        assert_eq!(
            (framing, length, coding),
            (BodyFraming::UntilClose, None, None)
        );
        return;
    }
    let bodiless = request.head_method || matches!(status, 204 | 205 | 304);
    assert_eq!(framing == BodyFraming::Empty, bodiless);
    match framing {
        BodyFraming::Empty => assert!(coding.is_none() && (length.is_none() || status != 204)),
        BodyFraming::Length(expected) => {
            assert_eq!(length, Some(expected.to_string().as_bytes()));
        }
        BodyFraming::Chunked => assert!(coding.is_some()),
        BodyFraming::UntilClose => assert_eq!(length, None),
    }
}

/// A length and so many bytes, as far as they are there.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, behind)) = rest.split_first() else {
        return &[];
    };
    let (bytes, behind) = behind.split_at(behind.len().min((*length).into()));
    *rest = behind;
    bytes
}

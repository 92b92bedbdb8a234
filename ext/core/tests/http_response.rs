//! Response heads and dates: the rules one by one, then what holds for all.

use pitchfork_core::http::{
    BodyFraming, BodySize, FieldError, RequestFacts, ResponseHead, error_response, http_date,
};
use proptest::collection::vec;
use proptest::prelude::*;

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const GET: RequestFacts = request(false, 1);
const GET_1_0: RequestFacts = request(false, 0);
const HEAD: RequestFacts = request(true, 1);

const fn request(head_method: bool, minor_version: u8) -> RequestFacts {
    RequestFacts {
        head_method,
        connect_method: false,
        minor_version,
    }
}

/// The head without status line, `Date` and empty line.
fn response(
    request: RequestFacts,
    status: u16,
    fields: &[(&str, &str)],
    body: BodySize,
) -> (String, BodyFraming) {
    let mut out = b"already here ".to_vec();
    let mut head = ResponseHead::begin(&mut out, status);
    for (name, value) in fields {
        head.field(name.as_bytes(), value.as_bytes()).unwrap();
    }
    let framing = head.finish(&request, body, DATE);
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_prefix("already here HTTP/1.1 ").unwrap();
    let text = text.strip_suffix("\r\n\r\n").unwrap();
    let (_, fields) = text.split_once("\r\n").unwrap_or_default();
    (
        fields.replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", ""),
        framing,
    )
}

#[test]
fn bodies_are_delimited() {
    use BodyFraming::{Chunked, Empty, Length, UntilClose};
    use BodySize::{Hijacked, Known, Unknown};
    let given: &[(&str, &str)] = &[("content-length", "5")];
    let encoded: &[(&str, &str)] = &[("Transfer-Encoding", "chunked")];
    let both = &[given[0], encoded[0]];
    let table: [(_, _, &[(&str, &str)], _, _, _); 23] = [
        (GET, 200, &[], Known(3), "Content-Length: 3", Length(3)),
        (GET, 200, &[], Known(0), "Content-Length: 0", Length(0)),
        (
            GET,
            200,
            &[],
            Known(u64::MAX),
            "Content-Length: 18446744073709551615",
            Length(u64::MAX),
        ),
        (GET, 200, given, Known(3), "Content-Length: 3", Length(3)),
        (GET, 200, given, Unknown, "Content-Length: 5", Length(5)),
        (GET_1_0, 200, given, Unknown, "Content-Length: 5", Length(5)),
        (
            GET,
            200,
            &[],
            Unknown,
            "Transfer-Encoding: chunked",
            Chunked,
        ),
        (GET_1_0, 200, &[], Unknown, "", UntilClose),
        (
            GET,
            200,
            encoded,
            Unknown,
            "Transfer-Encoding: chunked",
            UntilClose,
        ),
        (GET, 200, both, Known(9), "Content-Length: 9", Length(9)),
        (GET_1_0, 200, encoded, Unknown, "", UntilClose),
        (GET, 200, &[], Hijacked, "", UntilClose),
        (GET, 200, given, Hijacked, "Content-Length: 5", Length(5)),
        (
            GET,
            200,
            encoded,
            Hijacked,
            "Transfer-Encoding: chunked",
            UntilClose,
        ),
        (HEAD, 200, &[], Hijacked, "", Empty),
        (HEAD, 200, given, Known(0), "Content-Length: 5", Empty),
        (HEAD, 200, &[], Known(0), "", Empty),
        (HEAD, 200, encoded, Unknown, "", Empty),
        (GET, 204, given, Known(5), "", Empty),
        (HEAD, 204, given, Unknown, "", Empty),
        (GET, 205, given, Known(5), "Content-Length: 0", Empty),
        (GET, 304, given, Known(0), "Content-Length: 5", Empty),
        (GET, 304, &[], Known(0), "", Empty),
    ];
    for (request, status, fields, body, line, framing) in table {
        let expected = format!("Connection: close\r\n{line}");
        assert_eq!(
            response(request, status, fields, body),
            (expected.trim_end().to_owned(), framing),
            "{request:?} {status} {fields:?} {body:?}"
        );
    }
}

/// RFC 9110, section 9.3.6: a 2xx makes the connection a tunnel, which has no length; other answers are answers.
#[test]
fn tunnels() {
    let connect = RequestFacts {
        connect_method: true,
        ..GET
    };
    let given = [("content-length", "5"), ("transfer-encoding", "chunked")];
    for (status, size) in [
        (200, BodySize::Known(5)),
        (200, BodySize::Unknown),
        (204, BodySize::Hijacked),
        (299, BodySize::Hijacked),
    ] {
        let (fields, framing) = response(connect, status, &given, size);
        assert_eq!(
            (fields.as_str(), framing),
            ("Connection: close", BodyFraming::UntilClose)
        );
    }
    let (_, framing) = response(connect, 403, &given[..1], BodySize::Known(5));
    assert_eq!(framing, BodyFraming::Length(5));
}

/// RFC 9110, section 15.2: the connection goes on after a 1xx, and it has neither body nor length.
#[test]
fn interim_responses() {
    let early_hints = [("link", "</a.css>; rel=preload"), ("content-length", "5")];
    assert_eq!(
        response(GET, 103, &early_hints, BodySize::Known(5)),
        ("link: </a.css>; rel=preload".into(), BodyFraming::Empty)
    );
    let upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
    assert_eq!(
        response(GET, 101, &upgrade, BodySize::Unknown),
        (
            "Upgrade: websocket\r\nConnection: Upgrade".into(),
            BodyFraming::Empty
        )
    );
}

/// RFC 9110, section 5.5: obs-text is opaque data, and white space around a value no part of it.
#[test]
fn odd_values_that_are_allowed() {
    let fields = [("A", "\u{e4}"), ("B", ""), ("C", "a\tb"), ("d_e", " f ")];
    let (written, _) = response(GET, 200, &fields, BodySize::Known(0));
    let expected =
        "A: \u{e4}\r\nB: \r\nC: a\tb\r\nd_e:  f \r\nConnection: close\r\nContent-Length: 0";
    assert_eq!(written, expected);
    let (_, framing) = response(
        GET,
        200,
        &[("transfer-encoding", " Chunked\t")],
        BodySize::Unknown,
    );
    assert_eq!(framing, BodyFraming::UntilClose);
}

/// RFC 9110, section 7.6.1.
#[test]
fn hop_by_hop_fields_are_dropped() {
    for name in [
        "Connection",
        "keep-alive",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "UPGRADE",
    ] {
        let (fields, _) = response(GET, 200, &[(name, "x"), ("A", "b")], BodySize::Known(0));
        assert_eq!(
            fields, "A: b\r\nConnection: close\r\nContent-Length: 0",
            "{name}"
        );
    }
    let (fields, _) = response(GET, 426, &[("Upgrade", "TLS/1.3")], BodySize::Known(0));
    assert_eq!(
        fields,
        "Upgrade: TLS/1.3\r\nConnection: close, Upgrade\r\nContent-Length: 0"
    );
}

#[test]
fn an_application_may_set_the_date() {
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, 200);
    head.field(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")
        .unwrap();
    head.finish(&GET, BodySize::Known(0), DATE);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn refused_fields_write_nothing() {
    use FieldError::{ContentLength, ContentLengthConflict, Name, Value};
    for (name, value, error) in [
        ("", "a", Name),
        ("a b", "c", Name),
        ("a:", "b", Name),
        ("a\r\nb", "c", Name),
        ("a\0", "b", Name),
        ("é", "a", Name),
        ("a", "b\r\nc: d", Value),
        ("a", "b\nc: d", Value),
        ("a", "b\rc", Value),
        ("a", "b\0", Value),
        ("a", "\x1b[1m", Value),
        ("a", "b\x7f", Value),
        ("a", "\x0b", Value),
        ("a", "b\r", Value),
        ("a", "\nb", Value),
        (" a", "b", Name),
        ("a ", "b", Name),
        ("a\t", "b", Name),
        ("a\x7f", "b", Name),
        ("a(", "b", Name),
        ("Transfer-Encoding", "chunked\r\na: b", Value),
        ("date", "a\nb", Value),
        ("connection", "a\r\nb", Value),
        ("Content-Length", "", ContentLength),
        ("Content-Length", "-1", ContentLength),
        ("Content-Length", "1, 1", ContentLength),
        ("Content-Length", "18446744073709551616", ContentLength),
        ("Content-Length", "6", ContentLengthConflict),
    ] {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, 200);
        head.field(b"content-length", b"5").unwrap();
        let result = head.field(name.as_bytes(), value.as_bytes());
        assert_eq!(result, Err(error), "{name:?}: {value:?}");
        assert_eq!(head.content_length(), Some(5));
        head.finish(&GET, BodySize::Unknown, DATE);
        let fields =
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\nContent-Length: 5";
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n")
        );
    }
}

#[test]
fn the_servers_own_errors() {
    assert_eq!(
        String::from_utf8(error_response(431, &RequestFacts::UNKNOWN, DATE)).unwrap(),
        "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain\r\n\
         Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\nContent-Length: 32\r\n\r\n\
         Request Header Fields Too Large\n"
    );
}

/// The inverse of `http_date`, by counting: seconds since 1970.
fn seconds(date: &str) -> u64 {
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let number = |range: std::ops::Range<usize>| date[range].parse::<u64>().unwrap();
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let year = number(12..16);
    let month = months.find(&date[8..11]).unwrap() / 3;
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
    ];
    let days = years + lengths[..month].iter().sum::<u64>() + number(5..7) - 1;
    days * 86_400 + number(17..19) * 3600 + number(20..22) * 60 + number(23..25)
}

proptest! {
    #[test]
    fn dates_round_trip(time in 0..=253_402_300_799u64) {
        let date = String::from_utf8(http_date(time).to_vec()).unwrap();
        prop_assert_eq!(seconds(&date), time, "{}", date);
        let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        prop_assert_eq!(&date[..3], week[(time / 86_400 % 7) as usize]);
        prop_assert_eq!(&date[25..], " GMT");
    }

    /// Whatever the application says, a client reads exactly the fields that were accepted, and the server's own.
    #[test]
    fn nothing_is_injected(
        status in 200..600u16,
        fields in vec((arbitrary_name(), arbitrary_value()), 0..20),
    ) {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, status);
        let mut accepted = Vec::new();
        for (name, value) in &fields {
            if head.field(name, value).is_ok() {
                accepted.push((name.clone(), value.trim_ascii().to_vec()));
            }
        }
        head.finish(&GET, BodySize::Known(1), DATE);

        let mut room = [httparse::EMPTY_HEADER; 32];
        let mut read = httparse::Response::new(&mut room);
        prop_assert_eq!(read.parse(&out), Ok(httparse::Status::Complete(out.len())));
        prop_assert_eq!(read.code, Some(status));
        let names: Vec<_> = read.headers.iter().map(|field| field.name).collect();
        let own: &[&str] = match status {
            204 | 304 => &["Date", "Connection"],
            _ => &["Date", "Connection", "Content-Length"],
        };
        prop_assert!(names.ends_with(own), "{:?}", names);
        let read: Vec<_> = read.headers[..names.len() - own.len()]
            .iter()
            .map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()))
            .collect();
        prop_assert_eq!(read, accepted);
    }
}

/// Tokens, and what is not quite one. No name that the server handles itself.
fn arbitrary_name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "X-[a-zA-Z0-9._~!-]{0,10}".prop_map(String::into_bytes),
        "X[-a: \r\n\t]{0,6}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..4).prop_filter("handled by the server", |name| {
            !name.eq_ignore_ascii_case(b"te") && !name.eq_ignore_ascii_case(b"date")
        }),
    ]
}

fn arbitrary_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ -~\t]{0,30}".prop_map(String::into_bytes),
        "[a-c]{0,3}[\r\n]{0,3}[A-C]{1,3}: [a-c]{0,3}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..8),
    ]
}

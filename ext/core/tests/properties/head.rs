//! Request heads. An input is the bytes that a client sends.

use pitchfork_core::http::head::parse_more;
use pitchfork_core::http::{Form, Framing, HeadError, Limits, Parsed, Scratch};

use super::STEPS;

/// So small that a fuzzer finds them.
const TIGHT: Limits = Limits {
    method: 7,
    request_line: 48,
    field: 40,
    head: 160,
    fields: 5,
    chunk_extensions: 0,
    trailers: 0,
};

/// All of a parsed head, detached from the buffer.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    method: String,
    target: String,
    form: Form,
    path_and_query: (String, String),
    minor_version: u8,
    fields: Vec<(String, Vec<u8>)>,
    framing: Framing,
    host: Option<Vec<u8>>,
    expects_continue: bool,
    persistent: bool,
    len: usize,
}

/// What `bytes` are, when the first `already` of them were partial. `None` for partial.
fn read(bytes: &[u8], already: usize, limits: &Limits) -> Result<Option<Seen>, HeadError> {
    let mut scratch = Scratch::new();
    let Parsed::Complete(head) = parse_more(bytes, already, &mut scratch, limits)? else {
        return Ok(None);
    };
    let fields = head.fields.iter();
    Ok(Some(Seen {
        method: head.method.into(),
        target: head.target.raw.into(),
        form: head.target.form,
        path_and_query: (head.target.path.into(), head.target.query.into()),
        minor_version: head.minor_version,
        fields: fields
            .map(|field| (field.name.into(), field.value.into()))
            .collect(),
        framing: head.framing,
        host: head.host.map(Into::into),
        expects_continue: head.expects_continue,
        persistent: head.is_persistent(),
        len: head.len,
    }))
}

pub fn check(bytes: &[u8]) {
    for limits in [Limits::default(), TIGHT] {
        let whole = read(bytes, 0, &limits);
        for step in STEPS {
            check_pieces(bytes, &whole, step, &limits);
        }
        if let Ok(Some(head)) = &whole {
            check_head(&bytes[..head.len], head, &limits);
            let mut again = head.clone();
            again.len = 0;
            let mut reread = read(&write(head), 0, &limits);
            if let Ok(Some(reread)) = &mut reread {
                reread.len = 0;
            }
            assert_eq!(reread, Ok(Some(again)), "written and read again");
        }
    }
}

/// However the bytes arrive, the decision is the same.
fn check_pieces(
    bytes: &[u8],
    whole: &Result<Option<Seen>, HeadError>,
    step: usize,
    limits: &Limits,
) {
    let mut ends: Vec<usize> = (step..bytes.len()).step_by(step).collect();
    ends.push(bytes.len());
    let mut seen = 0;
    let mut first = Ok(None);
    for end in ends {
        first = read(&bytes[..end], seen, limits);
        if first != Ok(None) {
            break;
        }
        seen = end;
    }
    match whole {
        Ok(_) => assert_eq!(&first, whole, "in pieces of {step}"),
        Err(error) => {
            // A bad byte may be noticed only when its line ends.
            if first == Ok(None) {
                let ended = [bytes, b"\r\n"].concat();
                first = read(&ended, seen, limits);
            }
            let Err(noticed) = first else {
                panic!("in pieces of {step}: {first:?} instead of {error:?}");
            };
            // Of several faults, one in a line that has not arrived is not the first.
            let limited = |error: &HeadError| matches!(error.status(), 414 | 431 | 501);
            assert!(
                noticed.status() == error.status() || limited(&noticed) || limited(error),
                "in pieces of {step}: {noticed:?} instead of {error:?}"
            );
        }
    }
}

/// What has to be true of a head that was accepted, found out in another way than the parser does.
fn check_head(bytes: &[u8], head: &Seen, limits: &Limits) {
    let text = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let text = text
        .strip_suffix(b"\r\n\r\n")
        .expect("an empty line at the end");
    let lines: Vec<&[u8]> = split_lines(text);
    assert_eq!(lines.len(), head.fields.len() + 1, "a line for each field");
    assert!(lines[0].len() <= limits.request_line && head.method.len() <= limits.method);
    assert!(bytes.len() <= limits.head && head.fields.len() <= limits.fields);
    for (line, (name, value)) in lines[1..].iter().zip(&head.fields) {
        assert!(
            !line
                .iter()
                .any(|byte| byte.is_ascii_control() && *byte != b'\t')
        );
        assert!(line.len() <= limits.field);
        let colon = line.iter().position(|byte| *byte == b':').expect("a colon");
        assert_eq!(&line[..colon], name.as_bytes());
        assert_eq!(line[colon + 1..].trim_ascii(), value);
    }
    let all = |name: &str| -> Vec<&[u8]> {
        let fields = head
            .fields
            .iter()
            .filter(|field| field.0.eq_ignore_ascii_case(name));
        fields.map(|field| &field.1[..]).collect()
    };
    let (hosts, lengths, codings) = (all("host"), all("content-length"), all("transfer-encoding"));
    assert!(hosts.len() <= 1 && hosts.len() >= head.minor_version.into());
    match head.framing {
        Framing::None => assert!(lengths.is_empty() && codings.is_empty()),
        Framing::Length(length) => {
            assert!(codings.is_empty() && !lengths.is_empty());
            for value in lengths {
                assert!(value.iter().all(u8::is_ascii_digit));
                assert_eq!(std::str::from_utf8(value).unwrap().parse(), Ok(length));
            }
        }
        Framing::Chunked => {
            assert!(lengths.is_empty() && head.minor_version == 1);
            assert!(codings.len() == 1 && codings[0].eq_ignore_ascii_case(b"chunked"));
        }
    }
    let options = all("connection").join(&b","[..]).to_ascii_lowercase();
    let has = |option: &[u8]| {
        let mut options = options.split(|byte| *byte == b',');
        options.any(|other| other.trim_ascii() == option)
    };
    let kept = head.minor_version == 1 || has(b"keep-alive");
    assert_eq!(head.persistent, kept && !has(b"close"));
    assert!(!head.target.contains('#'));
    assert_eq!(head.form == Form::Authority, head.method == "CONNECT");
}

/// The lines of `text`, whose every LF must follow a CR and every CR precede a LF.
fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.len() - 1;
    for line in &mut lines[..last] {
        *line = line.strip_suffix(b"\r").expect("CR in front of LF");
    }
    assert!(lines.iter().all(|line| !line.contains(&b'\r')));
    lines
}

fn write(head: &Seen) -> Vec<u8> {
    let line = format!(
        "{} {} HTTP/1.{}\r\n",
        head.method, head.target, head.minor_version
    );
    let mut bytes = line.into_bytes();
    for (name, value) in &head.fields {
        bytes.extend_from_slice(&[name.as_bytes(), b":", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

//! What holds for every request head, however its bytes arrive.

use pitchfork_core::http::head::parse_more;
use pitchfork_core::http::{Framing, HeadError, Limits, Parsed, Scratch, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// All of a parsed head, detached from the buffer.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    method: String,
    target: String,
    path_and_query: (String, String),
    minor_version: u8,
    fields: Vec<(String, Vec<u8>)>,
    framing: Framing,
    host: Option<Vec<u8>>,
    expects_continue: bool,
    len: usize,
}

/// `None` for a partial head.
fn seen(bytes: &[u8], already: usize) -> Result<Option<Seen>, HeadError> {
    let mut scratch = Scratch::new();
    match parse_more(bytes, already, &mut scratch, &Limits::default())? {
        Parsed::Partial => Ok(None),
        Parsed::Complete(head) => Ok(Some(Seen {
            method: head.method.into(),
            target: head.target.raw.into(),
            path_and_query: (head.target.path.into(), head.target.query.into()),
            minor_version: head.minor_version,
            fields: head
                .fields
                .iter()
                .map(|field| (field.name.into(), field.value.into()))
                .collect(),
            framing: head.framing,
            host: head.host.map(Into::into),
            expects_continue: head.expects_continue,
            len: head.len,
        })),
    }
}

prop_compose! {
    fn field()(
        name in "X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}",
        value in "([!-~\u{80}-\u{ff}]([ \t!-~]{0,20}[!-~])?)?",
    ) -> (String, Vec<u8>) {
        (name, value.into_bytes())
    }
}

prop_compose! {
    /// A good head and what has to be found in it.
    fn head()(
        method in "[A-Z]{1,7}".prop_filter("has another target", |method| method != "CONNECT"),
        path in "/[!-\"$->@-~]{0,40}",
        query in "[!-\"$-~]{0,40}",
        minor_version in 0..=1u8,
        mut fields in vec(field(), 0..12),
        body in select(vec![
            (None, Framing::None),
            (Some(("Content-Length", "7")), Framing::Length(7)),
            (Some(("Transfer-Encoding", "chunked")), Framing::Chunked),
        ]),
        blank in select(vec!["", " ", "\t", "  \t "]),
        empty_line in any::<bool>(),
    ) -> (Vec<u8>, Seen) {
        let (body, framing) = match (minor_version, body) {
            (0, (_, Framing::Chunked)) => (None, Framing::None),
            (_, body) => body,
        };
        fields.insert(fields.len() / 2, ("Host".into(), b"example.org:80".to_vec()));
        fields.extend(body.map(|(name, value)| (name.into(), value.into())));
        let target = format!("{path}?{query}");
        let front = if empty_line { "\r\n" } else { "" };
        let mut bytes = format!("{front}{method} {target} HTTP/1.{minor_version}\r\n").into_bytes();
        for (name, value) in &fields {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(blank.as_bytes());
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(blank.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let seen = Seen {
            method,
            target,
            path_and_query: (path, query),
            minor_version,
            fields,
            framing,
            host: Some(b"example.org:80".to_vec()),
            expects_continue: false,
            len: bytes.len(),
        };
        (bytes, seen)
    }
}

proptest! {
    /// Written and read back, a head is the same, whatever follows it.
    #[test]
    fn round_trip((mut bytes, expected) in head(), body in vec(any::<u8>(), 0..40)) {
        bytes.extend(body);
        prop_assert_eq!(seen(&bytes, 0), Ok(Some(expected)));
    }

    /// Every proper beginning of a good head is partial, and the whole is found however it arrived.
    #[test]
    fn split_anywhere((bytes, expected) in head()) {
        for len in 0..bytes.len() {
            prop_assert_eq!(seen(&bytes[..len], 0), Ok(None), "{} bytes", len);
            prop_assert_eq!(seen(&bytes[..len], len.saturating_sub(1)), Ok(None));
        }
        prop_assert_eq!(seen(&bytes, bytes.len() - 1), Ok(Some(expected)));
    }

    /// A refusal does not depend on how the bytes arrive either, as far as the client sees it: same status.
    #[test]
    fn damage_is_judged_alike(
        (mut bytes, _) in head(),
        at in any::<prop::sample::Index>(),
        damage in select(b"\r\n\0 \t:(#?@,/\x7f\xff1".to_vec()),
    ) {
        let at = at.index(bytes.len());
        bytes[at] = damage;
        bytes.extend_from_slice(b"\r\n\r\n"); // a growing head is judged when its line ends
        let whole = seen(&bytes, 0);
        let first = (1..=bytes.len())
            .map(|len| seen(&bytes[..len], len - 1))
            .find(|result| *result != Ok(None))
            .unwrap_or(Ok(None));
        match (&whole, &first) {
            (Err(whole), Err(first)) => prop_assert_eq!(whole.status(), first.status()),
            _ => prop_assert_eq!(&whole, &first),
        }
    }

    /// Nothing panics, and what is accepted has no byte that could end a line elsewhere.
    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let _ = seen(&bytes, 0);
        let mut request = b"GET / HTTP/1.0\r\nA: ".to_vec();
        request.extend_from_slice(&bytes);
        request.extend_from_slice(b"\r\n\r\n");
        if let Ok(Some(head)) = seen(&request, 0) {
            for (name, value) in head.fields {
                let bad = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
                prop_assert!(!name.bytes().any(|byte| bad(&byte) || byte == b' '));
                prop_assert!(!value.iter().any(bad));
            }
        }
    }

    /// Bytes that look like a head, to get behind the first checks.
    #[test]
    fn nearly_heads(text in "(\r\n)?[A-Z ]{0,4}[ /*]{1,3}[a-z?#:/]{0,6} HTTP/[01.]{3}\r?\n([A-Za-z_-]{0,3}:? ?[a-z0-9 \r]{0,4}\r?\n){0,4}(\r\n)?") {
        let _ = parse(text.as_bytes(), &mut Scratch::new(), &Limits::default());
    }
}

//! What is read from good request heads, however their bytes arrive. For bad ones see `properties/head.rs`.

use pitchfork_core::http::head::parse_more;
use pitchfork_core::http::{Framing, HeadError, Limits, Parsed, Scratch};
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
}

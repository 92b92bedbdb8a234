//! The properties of `properties/`, for inputs that are nearly what a client or an application should send: a fuzzer
//! invents stranger ones (rake fuzz), these need nothing but Cargo.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

#[allow(dead_code)] // what only the fuzzer needs
mod properties;

/// Bytes with some of them replaced, taken out or doubled.
fn damaged(good: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let bytes = select(b"\r\n\0 \t:;,_-(#?@/\x7f\xff015aX".to_vec());
    let damage = (any::<prop::sample::Index>(), bytes, 0..3u8);
    (good, vec(damage, 0..3)).prop_map(|(mut good, damages)| {
        for (at, byte, how) in damages {
            if good.is_empty() {
                break;
            }
            let at = at.index(good.len());
            match how {
                0 => good[at] = byte,
                1 => good.insert(at, byte),
                _ => drop(good.remove(at)),
            }
        }
        good
    })
}

fn head() -> impl Strategy<Value = Vec<u8>> {
    let field = select(vec![
        "Host: h",
        "host:[::1]:80 ",
        "Content-Length: 5",
        "content-length:\t05",
        "Transfer-Encoding: chunked",
        "Transfer_Encoding: chunked",
        "Expect: 100-continue",
        "Connection: keep-alive, close",
        "X-A:",
        "X-B: \u{e4} \t b",
    ]);
    let line = "(GET|PUT|OPTIONS|CONNECT|M-SEARCH) (/[a-z?%/]{0,9}|\\*|h:1|http://a(:1)?(/b)?(\\?c)?) HTTP/1\\.[01]";
    ("(\r\n)?", line, vec(field, 0..6)).prop_map(|(front, line, fields)| {
        format!("{front}{line}\r\n{}\r\n\r\nbody", fields.join("\r\n")).into_bytes()
    })
}

fn chunked() -> impl Strategy<Value = Vec<u8>> {
    let chunk = (
        vec(any::<u8>(), 1..20),
        "0{0,3}",
        "( ?;[a-z]{0,4}(=\"x\")?)?",
    );
    let chunk = chunk.prop_map(|(data, zeros, extension)| {
        let line = format!("{zeros}{:x}{extension}\r\n", data.len());
        [line.as_bytes(), &data, b"\r\n"].concat()
    });
    let trailers = "((X-[a-z]{1,3}|Host|Content-Digest|A_B): ?[a-z]{0,4} ?\r\n){0,4}";
    (vec(chunk, 0..5), trailers, "[A-Z]{0,3}").prop_map(|(chunks, trailers, next)| {
        let end = format!("0\r\n{trailers}\r\n{next}");
        [chunks.concat(), end.into_bytes()].concat()
    })
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    let name =
        "[a-zA-Z-]{1,8}|Content-Length|Transfer-Encoding|Connection|Upgrade|Date|[ -~\r\n]{0,4}";
    let value = "[ -~]{0,12}|[0-9]{1,20}|chunked|[a-z]{0,3}[\r\n]{1,2}[A-Z]: [a-z]{0,3}";
    (name, value).prop_map(|(name, value)| {
        let lengths = [name.len() as u8, value.len() as u8];
        [
            &lengths[..1],
            name.as_bytes(),
            &lengths[1..],
            value.as_bytes(),
        ]
        .concat()
    })
}

proptest! {
    #[test]
    fn heads(input in damaged(head())) {
        properties::head::check(&input);
    }

    #[test]
    fn chunked_bodies(input in damaged(chunked())) {
        properties::chunked::check(&input);
    }

    #[test]
    fn bodies(kind in any::<[u8; 3]>(), input in damaged(chunked())) {
        properties::body::check(&[&kind[..], &input].concat());
    }

    #[test]
    fn response_heads(
        status in prop_oneof![100..600u16, any::<u16>()],
        request in any::<[u8; 2]>(),
        fields in vec(field(), 0..8),
    ) {
        let input = [&status.to_be_bytes()[..], &request, &fields.concat()].concat();
        properties::response_head::check(&input);
    }

    #[test]
    fn anything(input in vec(any::<u8>(), 0..120)) {
        properties::head::check(&input);
        properties::chunked::check(&input);
        properties::body::check(&input);
        properties::response_head::check(&input);
    }
}

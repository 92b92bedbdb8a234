//! Trusted peers, and what they say of the client's scheme.

use httparse::Header;
use pitchfork_core::http::proxy::{Networks, forwarded_https};

#[test]
fn networks() {
    for (network, inside, outside) in [
        (
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..],
            &["11.0.0.0", "9.255.255.255", "::a00:1"][..],
        ),
        (
            "127.0.0.1",
            &["127.0.0.1", "::ffff:127.0.0.1"],
            &["127.0.0.2", "::1"],
        ),
        (
            "192.168.4.0/23",
            &["192.168.4.0", "192.168.5.255"],
            &["192.168.6.0", "192.168.3.255"],
        ),
        ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "::1"]),
        ("1.2.3.4/32", &["1.2.3.4"], &["1.2.3.5"]),
        ("::1", &["::1"], &["::", "::2", "127.0.0.1"]),
        (
            "::/0",
            &["::", "ffff::"],
            &["127.0.0.1", "::ffff:127.0.0.1"],
        ),
        (
            "fd00::/8",
            &["fd12::1", "fdff:ffff::"],
            &["fe00::", "fc00::"],
        ),
        ("2001:db8::/33", &["2001:db8:7fff::"], &["2001:db8:8000::"]),
        (
            "::ffff:10.0.0.0/104",
            &["10.1.2.3", "::ffff:10.1.2.3"],
            &["11.0.0.0"],
        ),
        ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
    ] {
        let networks = Networks::parse([network]).unwrap();
        for address in inside {
            assert!(
                networks.contains(address.parse().unwrap()),
                "{network}: {address}"
            );
        }
        for address in outside {
            assert!(
                !networks.contains(address.parse().unwrap()),
                "{network}: {address}"
            );
        }
    }
    let several = Networks::parse(["10.0.0.0/8".to_string(), "::1".to_string()]).unwrap();
    assert!(several.contains("::1".parse().unwrap()) && !several.is_empty());
    let none = Networks::default();
    assert!(none.is_empty() && !none.contains("::1".parse().unwrap()));
}

#[test]
fn not_networks() {
    for (bad, why) in [
        ("", "is not an IP address"),
        ("localhost", "is not an IP address"),
        ("10.0.0", "is not an IP address"),
        ("10.0.0.256", "is not an IP address"),
        ("010.0.0.1", "is not an IP address"),
        (" 10.0.0.1", "is not an IP address"),
        ("[::1]", "is not an IP address"),
        ("fe80::1%eth0", "is not an IP address"),
        ("10.0.0.1:80", "is not an IP address"),
        ("/8", "is not an IP address"),
        ("10.0.0.0/", "needs a number from 0 to 32"),
        ("10.0.0.0/33", "needs a number from 0 to 32"),
        ("10.0.0.0/08", "needs a number from 0 to 32"),
        ("10.0.0.0/+8", "needs a number from 0 to 32"),
        ("10.0.0.0/8/8", "needs a number from 0 to 32"),
        ("10.0.0.0/255.0.0.0", "needs a number from 0 to 32"),
        ("::/129", "needs a number from 0 to 128"),
        ("10.0.0.1/8", "is an address inside a network"),
        ("::1/64", "is an address inside a network"),
        ("::ffff:10.0.0.1/104", "is an address inside a network"),
    ] {
        let error = Networks::parse(["::1", bad]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{bad:?} {why}")), "{error}");
    }
}

#[test]
fn forwarded_schemes() {
    let fields = |lines: &[&'static str]| -> Vec<Header<'static>> {
        let split = lines.iter().map(|line| line.split_once(": ").unwrap());
        split
            .map(|(name, value)| Header {
                name,
                value: value.as_bytes(),
            })
            .collect()
    };
    for (lines, https) in [
        (&[][..], None),
        (&["X-Forwarded-Proto: https"], Some(true)),
        (&["x-forwarded-proto: HTTPS"], Some(true)),
        (&["X-Forwarded-Proto: http"], Some(false)),
        (&["X-Forwarded-Proto: wss"], Some(true)),
        (&["X-Forwarded-Proto: ws"], Some(false)),
        // The peer's word is the last; what stands before may be the client's.
        (&["X-Forwarded-Proto: https, http"], Some(false)),
        (&["X-Forwarded-Proto: http,https"], Some(true)),
        (
            &["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"],
            Some(false),
        ),
        (&["X-Forwarded-Proto: https , ,"], Some(true)),
        (
            &["X-Forwarded-Proto: https", "X-Forwarded-Proto: ,"],
            Some(true),
        ),
        (
            &["X-Forwarded-Proto: https", "X-Forwarded-Proto: ftp"],
            None,
        ),
        (&["X-Forwarded-Proto: httpsx"], None),
        (&["X-Forwarded-Proto: https;x"], None),
        (&["X_Forwarded_Proto: https"], None),
        (&["X-Forwarded-Ssl: on"], Some(true)),
        (&["X-Forwarded-SSL: On"], Some(true)),
        (&["X-Forwarded-Ssl: off"], Some(false)),
        (&["X-Forwarded-Ssl: 1"], None),
        (&["X-Forwarded-Scheme: https"], Some(true)),
        (&["X-Forwarded-Scheme: http"], Some(false)),
        // In the order of their rank, wherever they stand.
        (
            &["X-Forwarded-Ssl: on", "X-Forwarded-Proto: http"],
            Some(false),
        ),
        (
            &["X-Forwarded-Scheme: https", "X-Forwarded-Ssl: off"],
            Some(false),
        ),
        (&["X-Forwarded-Proto: ?", "X-Forwarded-Ssl: on"], Some(true)),
    ] {
        assert_eq!(forwarded_https(&fields(lines)), https, "{lines:?}");
    }
}

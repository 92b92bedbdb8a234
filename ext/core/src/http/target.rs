//! The request target: what the request is for (RFC 9112, section 3.2).

use super::{HeadError, authority};

/// Which of the four forms a request target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`, the usual one (section 3.2.1).
    Origin,
    /// `http://host/path?query`, as sent to proxies; a server has to accept it (section 3.2.2).
    Absolute,
    /// `host:port`, with CONNECT and only there (section 3.2.3).
    Authority,
    /// `*`, with OPTIONS and only there (section 3.2.4).
    Asterisk,
}

/// A request target, taken apart. Nothing is decoded or normalised: `%2F`, `//` and `..` are the application's.
///
/// Bytes that RFC 3986 wants percent-encoded (`|`, `{`, `"`, UTF-8) are let through, because browsers send them.
/// What is not UTF-8 is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'b> {
    /// As received.
    pub raw: &'b str,
    /// Which form it has.
    pub form: Form,
    /// The path, up to the `?`. `/` if an absolute form has none; `*` and `host:port` stand as they are, which is
    /// where Rack wants them.
    pub path: &'b str,
    /// What follows the first `?`; empty if there is nothing or no `?`.
    pub query: &'b str,
    /// The host and port in an absolute or authority form.
    pub authority: Option<&'b str>,
}

impl<'b> Target<'b> {
    /// Takes `raw` apart as a target of a `method` request.
    ///
    /// A fragment is refused, not cut off: no form has a place for it, so that a `#` is either a broken client or
    /// somebody who hopes that a proxy and this server disagree about the path.
    ///
    /// # Errors
    ///
    /// [`HeadError::Fragment`], [`HeadError::HostInvalid`] for the authority, else [`HeadError::Target`].
    pub fn parse(method: &str, raw: &'b str) -> Result<Self, HeadError> {
        let mut question = raw.len();
        for (at, byte) in raw.bytes().enumerate() {
            match byte {
                b'?' if question == raw.len() => question = at,
                b'#' => return Err(HeadError::Fragment),
                _ => {}
            }
        }
        if method == "CONNECT" {
            return Self::connect(raw);
        }
        let query = raw.get(question + 1..).unwrap_or("");
        let front = &raw[..question];
        if front.starts_with('/') {
            return Ok(Self {
                raw,
                form: Form::Origin,
                path: front,
                query,
                authority: None,
            });
        }
        if raw == "*" && method == "OPTIONS" {
            return Ok(Self {
                raw,
                form: Form::Asterisk,
                path: raw,
                query,
                authority: None,
            });
        }
        let rest = without_scheme(front).ok_or(HeadError::Target)?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        authority::split(host.as_bytes()).ok_or(HeadError::HostInvalid)?;
        Ok(Self {
            raw,
            form: Form::Absolute,
            path: if path.is_empty() { "/" } else { path },
            query,
            authority: Some(host),
        })
    }

    fn connect(raw: &'b str) -> Result<Self, HeadError> {
        match authority::split(raw.as_bytes()) {
            Some((_, Some(_))) => Ok(Self {
                raw,
                form: Form::Authority,
                path: raw,
                query: "",
                authority: Some(raw),
            }),
            _ => Err(HeadError::Target),
        }
    }
}

/// What follows `http://` or `https://`, in any case (RFC 3986, section 3.1). Others are not ours to serve.
fn without_scheme(url: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (front, rest) = url.split_at_checked(scheme.len())?;
        front.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        use Form::{Absolute, Asterisk, Authority, Origin};
        for (method, raw, form, path, query, authority) in [
            ("GET", "/", Origin, "/", "", None),
            ("GET", "/a/b?c=d", Origin, "/a/b", "c=d", None),
            ("GET", "/?", Origin, "/", "", None),
            ("GET", "/a?b?c", Origin, "/a", "b?c", None),
            ("GET", "//a//b", Origin, "//a//b", "", None),
            ("GET", "/%2F%00/../%zz", Origin, "/%2F%00/../%zz", "", None),
            ("GET", "/é?ü", Origin, "/é", "ü", None),
            ("GET", "/http://h/", Origin, "/http://h/", "", None),
            ("GET", "http://h", Absolute, "/", "", Some("h")),
            ("GET", "http://h:1/p?q", Absolute, "/p", "q", Some("h:1")),
            ("GET", "HTTPS://[::1]/", Absolute, "/", "", Some("[::1]")),
            ("GET", "http://h?a/b", Absolute, "/", "a/b", Some("h")),
            ("OPTIONS", "*", Asterisk, "*", "", None),
            ("OPTIONS", "http://h", Absolute, "/", "", Some("h")),
            ("CONNECT", "h:443", Authority, "h:443", "", Some("h:443")),
        ] {
            let expected = Target {
                raw,
                form,
                path,
                query,
                authority,
            };
            assert_eq!(Target::parse(method, raw), Ok(expected), "{method} {raw}");
        }
    }

    #[test]
    fn refused() {
        use HeadError::{Fragment, HostInvalid, Target as Form};
        for (method, raw, error) in [
            ("GET", "/a#b", Fragment),
            ("GET", "/a?b#", Fragment),
            ("GET", "#", Fragment),
            ("GET", "a", Form),
            ("GET", "?a", Form),
            ("GET", "*", Form),
            ("OPTIONS", "*?", Form),
            ("OPTIONS", "**", Form),
            ("GET", "h:80", Form),
            ("GET", "ftp://h/", Form),
            ("GET", "http:/h/", Form),
            ("GET", "éhttp://", Form),
            ("GET", "http://", HostInvalid),
            ("GET", "http:///p", HostInvalid),
            ("GET", "http://u:p@h/", HostInvalid),
            ("GET", "http://h:x/", HostInvalid),
            ("CONNECT", "/", Form),
            ("CONNECT", "h", Form),
            ("CONNECT", "h:", Form),
            ("CONNECT", "http://h:80/", Form),
        ] {
            assert_eq!(Target::parse(method, raw), Err(error), "{method} {raw}");
        }
    }
}

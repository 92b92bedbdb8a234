//! What is sent, and what has to come back.

use std::fs;
use std::path::Path;

/// One kind of request.
pub struct Case {
    pub name: String,
    pub request: Request,
    pub ending: Ending,
}

pub enum Request {
    /// GET of this path; `{n}` in it is the number of the request.
    Path(String),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// How the connection is to end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With a whole response of this status and, when it is known, of this body.
    Answer { status: u16, body: Option<Vec<u8>> },
    /// With a response that breaks off.
    Broken,
    /// With a reset by the client: at once, or when the first byte of the response has come.
    Reset { answered: bool },
}

impl Case {
    /// GET of a path, which has to be answered with 200.
    pub fn get(path: &str) -> Self {
        Self {
            name: format!("GET {path}"),
            request: Request::Path(path.into()),
            ending: Ending::Answer {
                status: 200,
                body: None,
            },
        }
    }

    /// Reads a file of lines `STATUS REQUEST-FILE [BODY-FILE]`, or `broken`, `reset` or `reset-late` and a REQUEST-FILE. The
    /// files are named from the directory of the list.
    pub fn read_list(path: &str) -> Result<Vec<Self>, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        let directory = Path::new(path).parent().unwrap_or(Path::new(""));
        let bytes =
            |name: &str| fs::read(directory.join(name)).map_err(|e| format!("{path}: {name}: {e}"));
        text.lines()
            .map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                let (ending, request) = match words[..] {
                    ["broken", request] => (Ending::Broken, request),
                    ["reset", request] => (Ending::Reset { answered: false }, request),
                    ["reset-late", request] => (Ending::Reset { answered: true }, request),
                    [status, request] => (answer(status, None)?, request),
                    [status, request, body] => (answer(status, Some(bytes(body)?))?, request),
                    _ => return Err(format!("{path}: {line:?}: expected two or three words")),
                };
                Ok(Self {
                    name: request.into(),
                    request: Request::Bytes(bytes(request)?),
                    ending,
                })
            })
            .collect()
    }

    /// The bytes of the `n`th request, in `buffer` if they have to be made.
    pub fn bytes<'a>(&'a self, n: u64, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.request {
            Request::Bytes(bytes) => bytes,
            Request::Path(path) => {
                let path = path.replace("{n}", &n.to_string());
                let head =
                    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                buffer.clear();
                buffer.extend_from_slice(head.as_bytes());
                buffer
            }
        }
    }
}

fn answer(status: &str, body: Option<Vec<u8>>) -> Result<Ending, String> {
    let status = status
        .parse()
        .map_err(|_| format!("{status}: expected a status, broken, reset or reset-late"))?;
    Ok(Ending::Answer { status, body })
}

//! HTTP/1.1 as a server reads and writes it.
//!
//! Reading: [`parse`] turns bytes into a [`Head`] whose [`Framing`] says where the body ends;
//! [`BodyDecoder`] takes the body out of what follows. Writing: [`ResponseHead`] appends a head to a buffer and says
//! how the body has to be sent. Afterwards: [`connection`] decides what becomes of the connection. Nothing here
//! reads a socket or a clock.
//!
//! Rules carry the section of RFC 9110 (semantics) or RFC 9112 (HTTP/1.1) they come from. Where an RFC leaves the
//! choice, the strict reading is taken: a request that two servers could understand differently is refused.

pub mod authority;
pub mod body;
pub mod chunked;
pub mod connection;
pub mod date;
pub mod error;
pub mod framing;
mod grammar;
pub mod head;
pub mod limits;
pub mod pace;
pub mod proxy;
pub mod response;
pub mod status;
pub mod target;
pub mod trailer;

pub use body::{BodyDecoder, BodyError};
pub use chunked::{Chunk, ChunkError, ChunkedDecoder};
pub use date::http_date;
pub use error::HeadError;
pub use framing::Framing;
pub use head::{Head, Parsed, Scratch, parse};
pub use httparse::Header;
pub use limits::Limits;
pub use pace::Pace;
pub use response::{BodyFraming, BodySize, FieldError, RequestFacts, ResponseHead, error_response};
pub use target::{Form, Target};
pub use trailer::Trailers;

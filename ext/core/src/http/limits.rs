//! How much of a request is read before it is refused.

/// Bounds on what a client may send before the application sees anything. All sizes are in bytes.
///
/// The defaults follow what proxies accept, so that a request that came through one is not refused here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The request method. A longer one is answered with 501 (RFC 9112, section 3).
    pub method: usize,
    /// The request line without its CRLF. A longer one is answered with 414; RFC 9112, section 3, recommends
    /// to support 8000 at least.
    pub request_line: usize,
    /// One field line without its CRLF. A longer one is answered with 431 (RFC 6585, section 5).
    pub field: usize,
    /// The whole head, with the empty line that ends it. The caller's buffer has to hold this much.
    pub head: usize,
    /// The number of field lines, in the head and again in the trailer section of a chunked body. At most
    /// [`MAX_FIELDS`](super::head::MAX_FIELDS) count. More are answered with 431.
    pub fields: usize,
    /// All chunk extensions of one body together (RFC 9112, section 7.1.1). Summed, because otherwise many small
    /// chunks with long extensions would carry much traffic and little body.
    pub chunk_extensions: usize,
    /// The trailer section of one body, without the empty line that ends it. A longer one is answered with 431.
    pub trailers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            method: 32,
            request_line: 8 * 1024,
            field: 80 * 1024,
            head: 112 * 1024,
            fields: 100,
            chunk_extensions: 16 * 1024,
            trailers: 8 * 1024,
        }
    }
}

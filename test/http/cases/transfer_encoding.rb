# frozen_string_literal: true

# As for Content-Length, there is one way to say it; everything else is refused instead of repaired.
HttpCases.topic "Transfer-Encoding", "RFC 9112, 6.1" do
  hello = "5\r\nhello\r\n0\r\n\r\n"

  accepts "chunked", chunked(hello), "CONTENT_LENGTH" => nil, "body" => "hello"
  accepts "in other letters", post("transfer-ENCODING: ChunKed", body: hello), "body" => "hello", rfc: "RFC 9112, 7"
  accepts "white space around it", post("Transfer-Encoding: \t chunked \t", body: hello), "body" => "hello"
  accepts "GET with a chunked body", get("Transfer-Encoding: chunked") + hello, "body" => "hello"

  [
    "", "gzip", "identity", "xchunked", "chunkedx", "chun ked", "\"chunked\"", "chunked;a=b", "chunked,", ",chunked", "chunked, chunked",
    "gzip, chunked", "chunked, gzip", "chunked, identity", "identity, chunked", "chunked gzip", "cow", "chunked\xff"
  ].each do |value|
    refuses 400, value.inspect, post("Transfer-Encoding: #{value}", body: hello), /not exactly one "chunked"/, rfc: "RFC 9112, 6.3"
  end
  refuses 400, "a vertical tab in front", post("Transfer-Encoding: \vchunked", body: hello), /control character/
  refuses 400, "NUL behind", post("Transfer-Encoding: chunked\0", body: hello), /control character/
  refuses 400, "twice", chunked(hello, "Transfer-Encoding: chunked"), /not exactly one/
  refuses 400, "in two fields, chunked last", post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body: hello), /not exactly one/
  refuses 400, "in two fields, chunked first", chunked(hello, "Transfer-Encoding: identity"), /not exactly one/
  refuses 400, "with Content-Length", post("Content-Length: 15", "Transfer-Encoding: chunked", body: hello), /exclude each other/,
          rfc: "RFC 9112, 6.3"
  refuses 400, "with Content-Length behind it", chunked(hello, "Content-Length: 15"), /exclude each other/, rfc: "RFC 9112, 6.3"
  refuses 400, "with Content-Length: 0", chunked(hello, "Content-Length: 0"), /exclude each other/, rfc: "RFC 9112, 6.3"
  refuses 400, "identity with Content-Length", post("Content-Length: 5", "Transfer-Encoding: identity", body: "hello"), /not exactly one/
  refuses 400, "in HTTP/1.0", head("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked") + hello, /HTTP\/1\.0/
  refuses 400, "folded", post("Transfer-Encoding:", " chunked", body: hello), rfc: "RFC 9112, 5.2"
  refuses 400, "a space before its colon", post("Transfer-Encoding : chunked", body: hello), /field name/, rfc: "RFC 9112, 5.1"
  refuses 400, "a bare LF behind it", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\n\r\n#{hello}", /CRLF/, rfc: "RFC 9112, 2.2"
end

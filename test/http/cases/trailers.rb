# frozen_string_literal: true

# Fields behind a chunked body: the app gets those that may not change what the head has said.
HttpCases.topic "trailers", "RFC 9112, 7.1.2" do
  last = "5\r\nhello\r\n0\r\n"

  accepts "none", chunked("#{last}\r\n"), "body" => "hello", "trailers" => nil
  accepts "one", chunked("#{last}X-Check: 1\r\n\r\n"), "body" => "hello", "trailers" => { "x-check" => "1" }
  accepts "several", chunked("#{last}X-A: 1\r\nX-B:\t2 \r\nX-C:\r\n\r\n"), "trailers" => { "x-a" => "1", "x-b" => "2", "x-c" => "" }
  accepts "announced", chunked("#{last}X-Check: 1\r\n\r\n", "Trailer: X-Check"), "trailers" => { "x-check" => "1" }, rfc: "RFC 9110, 6.6.2"
  accepts "repeated", chunked("#{last}X-A: 1\r\nx-a: 2\r\n\r\n"), "trailers" => { "x-a" => "1, 2" }, rfc: "RFC 9110, 5.3"
  accepts "with an underscore", chunked("#{last}X_A: 1\r\nX-B: 2\r\n\r\n"), "trailers" => { "x-b" => "2" }, rfc: "RFC 3875, 4.1.18"
  accepts "they are no header fields", chunked("#{last}X-A: trailer\r\n\r\n", "X-A: head"), "HTTP_X_A" => "head", rfc: "RFC 9110, 6.5.1"
  %w[Content-Length Transfer-Encoding Host Authorization Content-Type Content-Encoding Content-Range Trailer TE Cookie Connection Expect]
    .each do |name|
      accepts "#{name} is none", chunked("#{last}#{name}: 1\r\nX-A: 2\r\n\r\n"), "trailers" => { "x-a" => "2" }, rfc: "RFC 9110, 6.5.1"
    end
  accepts "only those that are none", chunked("#{last}Host: b\r\n\r\n"), "HTTP_HOST" => "test", "body" => "hello", rfc: "RFC 9110, 6.5.1"

  {
    "no colon" => "X", "no name" => ": 1", "a space before the colon" => "X : 1", "a space in front" => " X: 1",
    "NUL in the value" => "X: a\0", "a bare LF" => "X: 1\nY: 2", "a bare CR" => "X: 1\rY: 2",
    "a fold" => "X: 1\r\n 2", "a name in UTF-8" => "Ä: 1"
  }.each { |name, line| refuses 400, name, chunked("#{last}#{line}\r\n\r\n") }
  refuses 431, "more than 8 KiB", chunked("#{last}X: #{"a" * 8192}\r\n\r\n"), rfc: "RFC 6585, 5"
  refuses 431, "more than 8 KiB together", chunked("#{last}#{"X: #{"a" * 95}\r\n" * 90}\r\n"), rfc: "RFC 6585, 5"
  refuses 400, "the client leaves in the middle", chunked("#{last}X: 1\r\n"), ends: true, rfc: "RFC 9112, 8"
end

# frozen_string_literal: true

# request-line = method SP request-target SP HTTP-version
HttpCases.topic "request line", "RFC 9112, 3" do
  accepts "GET", get, "REQUEST_METHOD" => "GET", "SERVER_PROTOCOL" => "HTTP/1.1", "body" => ""
  accepts "HEAD", head("HEAD / HTTP/1.1", "Host: a")
  accepts "a method that nobody knows", head("REPORT / HTTP/1.1", "Host: a"), "REQUEST_METHOD" => "REPORT", rfc: "RFC 9110, 9.1"
  accepts "methods are case-sensitive", head("get / HTTP/1.1", "Host: a"), "REQUEST_METHOD" => "get", rfc: "RFC 9110, 9.1"
  accepts "every mark of a token", head("A1!#$%&'*+-.^_`|~ / HTTP/1.1", "Host: a"),
          "REQUEST_METHOD" => "A1!#$%&'*+-.^_`|~", rfc: "RFC 9110, 5.6.2"
  accepts "a method of 32 bytes", head("#{"M" * 32} / HTTP/1.1", "Host: a"), "REQUEST_METHOD" => "M" * 32
  refuses 501, "a method of 33 bytes", head("#{"M" * 33} / HTTP/1.1", "Host: a"), /method is longer than 32/
  accepts "one empty line in front", "\r\n#{get}", "PATH_INFO" => "/", rfc: "RFC 9112, 2.2"
  refuses 400, "two empty lines in front", "\r\n\r\n#{get}", /does not end in CRLF/, rfc: "RFC 9112, 2.2"
  refuses 400, "an empty line in front that is no CRLF", "\n#{get}", /CRLF/, rfc: "RFC 9112, 2.2"

  refuses 400, "no words", "\r\n\r\n", /CRLF/
  refuses 400, "one word", head("GET", "Host: a")
  refuses 400, "no version, as in HTTP/0.9", "GET /\r\n\r\n", rfc: "RFC 9112, 2.3"
  refuses 400, "no target", head("GET HTTP/1.1", "Host: a")
  refuses 400, "white space in front", head(" GET / HTTP/1.1", "Host: a"), /method is not a token/
  refuses 400, "two spaces behind the method", head("GET  / HTTP/1.1", "Host: a")
  refuses 400, "two spaces behind the target", head("GET /  HTTP/1.1", "Host: a")
  refuses 400, "a space at the end", head("GET / HTTP/1.1 ", "Host: a")
  refuses 400, "a tab for a space", head("GET\t/ HTTP/1.1", "Host: a"), /method is not a token/
  refuses 400, "a space in the target", head("GET /a b HTTP/1.1", "Host: a")
  refuses 400, "four words", head("GET / HTTP/1.1 HTTP/1.1", "Host: a")
  refuses 400, "a method that is no token", head("G(T / HTTP/1.1", "Host: a"), /method is not a token/, rfc: "RFC 9110, 9.1"
  refuses 400, "a method in UTF-8", head("GÉT / HTTP/1.1", "Host: a"), /method is not a token/, rfc: "RFC 9110, 9.1"
  refuses 400, "NUL in the method", head("GE\0T / HTTP/1.1", "Host: a"), /method is not a token/, rfc: "RFC 9110, 9.1"

  refuses 400, "a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", /CRLF/, rfc: "RFC 9112, 2.2"
  refuses 400, "a bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", rfc: "RFC 9112, 2.2"
  refuses 400, "two CR", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", rfc: "RFC 9112, 2.2"
  refuses 400, "a CR in the target", "GET /\rHost: HTTP/1.1\r\nHost: a\r\n\r\n", rfc: "RFC 9112, 2.2"

  accepts "HTTP/1.0", head("GET / HTTP/1.0", "Host: a"), "SERVER_PROTOCOL" => "HTTP/1.0", rfc: "RFC 9112, 2.3"
  ["HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"].each do |version|
    refuses 505, version, head("GET / #{version}", "Host: a"), /version is neither 1\.1 nor 1\.0/, rfc: "RFC 9110, 15.6.6"
  end
  ["http/1.1", "HTTP/1.10", "HTTP/1", "HTTP/11", "HTTP/1,1", "HTTPS/1.1", "HTTP 1.1", "HTTP/+1.1", "HTP/1.1", "/1.1"].each do |version|
    refuses 400, "version #{version}", head("GET / #{version}", "Host: a"), rfc: "RFC 9112, 2.3"
  end
  refuses 505, "HTTP/2 without an upgrade", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", rfc: "RFC 9113, 3.4"
  refuses 400, "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", /method is not a token/

  drops "nothing", ""
  drops "an empty line", "\r\n"
  drops "a part of the method", "GE"
  drops "a part of the line", "GET / HTTP/1"
  drops "the line alone", "GET / HTTP/1.1\r\n"
  drops "all but the last byte", get.chop
end

# frozen_string_literal: true

require "support/differences"

Differences.row "a line that ends in LF alone, or has a CR too many",
                "allowed (RFC 9112, 2.2), but two servers that disagree about where a line ends see two requests" do
  accepts :nginx, "request line" => ["a bare LF"], "Transfer-Encoding" => ["a bare LF behind it"], "field values" => ["a CR at the end"],
                  "line ends" => ["a bare LF behind a field", "a bare LF that hides a field", "a bare LF behind the last field",
                                  "a bare LF for the empty line", "bare LFs only"]
end

Differences.row "a line of a chunked body that ends in LF alone", "not allowed (RFC 9112, 7.1), and a known way to smuggle requests" do
  accepts :nginx, "chunks" => ["a bare LF behind the size", "a bare LF behind the data", "a bare LF behind the last size",
                               "a bare LF at the end", "less data than its size"],
                  "chunk extensions" => ["a bare LF"]
end

Differences.row "a chunk size with something beside it, or with more than 16 digits", "not allowed (RFC 9112, 7.1), for the same reason" do
  accepts :puma, "chunks" => ["a size with a space in front", "a size with a space behind", "a size with NUL", "a size with 17 digits",
                              "two CR behind the size"]
  accepts :nginx, "chunks" => ["a size with a space behind", "a size with two numbers", "a size with 17 digits"]
end

Differences.row "control characters in chunk extensions", "not allowed (RFC 9112, 7.1.1)" do
  accepts :puma, "chunk extensions" => ["NUL", "a bare CR"]
  accepts :nginx, "chunk extensions" => ["NUL"]
end

Differences.row "chunk extensions of more than 16 KiB", "nobody has a use for them, and they cost time" do
  accepts :puma, versions: ">= 6", "chunk extensions" => ["more than 16 KiB", "more than 16 KiB together"]
  accepts :nginx, "chunk extensions" => ["more than 16 KiB", "more than 16 KiB together"]
end

Differences.row "long chunk extensions, or white space in front of one", "allowed (RFC 9112, 7.1.1)" do
  refuses :puma, "chunk extensions" => ["\" ;a\"", "\"\\t; a = b\""]
  refuses :puma, versions: "< 6", "chunk extensions" => ["16 KiB of them"]
end

Differences.row "trailers", "the app gets those that may not change what the head has said, in `pitchfork.trailers`" do
  sees :puma, "trailers" => ["one", "several", "announced", "repeated", "with an underscore"] +
                            %w[Content-Length Transfer-Encoding Host Authorization Content-Type Content-Encoding Content-Range Trailer TE
                               Cookie Connection Expect].map { |name| "#{name} is none" }
end

Differences.row "trailers that are no fields, or too long", "they are part of the request, and read as strictly as the rest of it" do
  bad = ["no colon", "no name", "a space before the colon", "a space in front", "NUL in the value", "a bare LF", "a fold",
         "a name in UTF-8", "more than 8 KiB", "more than 8 KiB together"]
  accepts :puma, "trailers" => bad + ["a bare CR"]
  accepts :nginx, "trailers" => bad
end

Differences.row "`Transfer-Encoding` beside `Content-Length`, in HTTP/1.0, or with other codings",
                "what request smuggling is made of; a server may refuse it (RFC 9112, 6.1)" do
  accepts :puma, "Transfer-Encoding" => ["\"chunked,\"", "\"gzip, chunked\"", "in two fields, chunked last", "with Content-Length",
                                         "with Content-Length behind it", "with Content-Length: 0", "in HTTP/1.0"]
end

Differences.row "bytes behind a body", "are not part of it (RFC 9112, 6.3)" do
  sees :puma, versions: "< 6", "more than one request" => ["one behind a body"], "underscores" => ["Content_Length beside a length"],
              "Content-Length" => ["more than announced"]
end

Differences.row "`CONTENT_LENGTH` of a chunked body", "there is none, since the body is not read before the app asks for it" do
  sees :puma, "Transfer-Encoding" => ["chunked"]
end

Differences.row "the same `Content-Length` twice", "allowed (RFC 9110, 8.6)" do
  refuses :puma, :nginx, "Content-Length" => ["repeated with the same value"]
end

Differences.row "a tab around a value", "is white space (RFC 9112, 5.1)" do
  refuses :puma, "Content-Length" => ["white space around it"], "Transfer-Encoding" => ["white space around it"]
  refuses :nginx, "Content-Length" => ["white space around it"], "Transfer-Encoding" => ["white space around it"],
                  "host" => ["white space around it"]
  sees :puma, "fields" => ["X:  \t 1 \t "], "host" => ["white space around it"]
end

Differences.row "a field name with `_`", "it would take the place of the one with `-`, which a proxy has set" do
  sees :puma, "underscores" => ["a name with one is dropped", "half a dash", "Content_Type is no type"]
end

Differences.row "field names that are none", "not allowed (RFC 9110, 5.1); nginx drops the line" do
  accepts :nginx, "field syntax" => ["no colon", "a name in UTF-8", "a name with a parenthesis", "a name with a slash",
                                     "a name with quotes"]
end

Differences.row "control characters in values", "not allowed (RFC 9110, 5.5)" do
  accepts :nginx, "field values" => ["control character 1", "backspace", "vertical tab", "form feed", "escape", "DEL"]
end

Differences.row "a field called `Version`", "`HTTP_VERSION` is the protocol's" do
  sees :puma, versions: "< 6", "fields" => ["Version is not HTTP_VERSION"]
end

Differences.row "several `Cookie` fields", "are one with `; ` between them (RFC 6265, 5.4)" do
  sees :puma, "repeated fields" => ["cookies"]
end

Differences.row "`X-Forwarded-Proto` of anybody", "only a trusted proxy knows (`trusted_proxies`)" do
  sees :puma, "fields" => ["X-Forwarded-Proto: https"]
end

Differences.row "no `Host`, or two of them", "has to be refused (RFC 9112, 3.2)" do
  accepts :puma, "host" => ["missing", "repeated", "repeated with the same value", "a name with an underscore is no Host"],
                 "more than one request" => ["a good one behind a bad one"], "HTTP/1.0" => ["two Hosts"],
                 "absolute target" => ["Host is needed all the same"]
end

Differences.row "a `Host` that is none", "has to be refused (RFC 9112, 3.2); `SERVER_NAME` comes from it" do
  both = ["user@a", "a:b", "a:-1", "a:65536", "a:80:80", "[::1", "[::1]x", "[gg]", "[]", "%zz", "%4", "a?b", "a#b", "\"a\"", "<a>", "a\\b",
          "ä", "\xff"].map { |host| "invalid, #{host.inspect}" }
  puma = ["", "a b", "a/b", "a: 80", ":80", "::1", "http://a", "a\tb"].map { |host| "invalid, #{host.inspect}" }
  accepts :puma, "host" => both + puma, "HTTP/1.0" => ["a Host that is none"], "absolute target" => ["Host has to be valid all the same"]
  accepts :nginx, "host" => both
end

Differences.row "address forms in `Host` that nobody uses", "`IPvFuture` and zones mean nothing to an app" do
  accepts :puma, :nginx, "host" => ["invalid, \"[v1.a]\"", "invalid, \"[fe80::1%25eth0]\""]
end

Differences.row "`SERVER_PORT` of a `Host` without one, or with zeros", "is a number" do
  sees :puma, "host" => ["a:", "a:00081"]
end

Differences.row "`SERVER_NAME` without `Host`", "is the address that was called" do
  sees :puma, "HTTP/1.0" => ["no Host"]
end

Differences.row "`SERVER_PROTOCOL` of HTTP/1.0", "is what the client said" do
  sees :puma, versions: "< 6", "HTTP/1.0" => ["no field at all"], "request line" => ["HTTP/1.0"]
end

Differences.row "`Expect: 100-continue` in HTTP/1.0", "has to be ignored (RFC 9110, 10.1.1)" do
  sees :puma, "HTTP/1.0" => ["Expect has no meaning"]
end

Differences.row "methods that nobody knows, or in lower case", "a method is any token, and the app's business (RFC 9110, 9.1)" do
  refuses :puma, "request line" => ["methods are case-sensitive", "every mark of a token", "a method of 32 bytes"]
  refuses :puma, versions: ">= 6", "request line" => ["a method that nobody knows"]
  refuses :nginx, "request line" => ["methods are case-sensitive", "every mark of a token"]
end

Differences.row "a method of more than 32 bytes", "nobody has one; it must not be read to its end" do
  accepts :nginx, "request line" => ["a method of 33 bytes"]
end

Differences.row "an empty line in front of a request", "should be ignored (RFC 9112, 2.2)" do
  refuses :puma, "request line" => ["one empty line in front"]
end

Differences.row "several empty lines in front of a request, or a bare LF", "one is enough for old clients (RFC 9112, 2.2)" do
  accepts :nginx, "request line" => ["two empty lines in front", "an empty line in front that is no CRLF"]
end

Differences.row "more than one space in the request line", "allowed, and as risky as a bare LF (RFC 9112, 3)" do
  accepts :nginx, "request line" => ["two spaces behind the method", "two spaces behind the target", "a space at the end"]
end

Differences.row "versions of HTTP that nobody has defined", "nobody knows what they would mean" do
  accepts :puma, "request line" => ["HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "version HTTP/1.10"]
  accepts :puma, versions: "< 6", "request line" => ["HTTP/2 without an upgrade"]
  accepts :nginx, "request line" => ["HTTP/1.2", "version HTTP/1.10"]
end

Differences.row "a target with `#`", "has no place in a request (RFC 9112, 3.2)" do
  accepts :puma, :nginx, "target" => ["a fragment", "a fragment behind the query", "an empty fragment"],
                         "absolute target" => ["a fragment in an absolute target"]
end

Differences.row "a target that is not UTF-8", "no browser sends it; `%FF` is allowed" do
  accepts :puma, :nginx, "target" => ["bytes that are no UTF-8"]
end

Differences.row "marks in a target that should be encoded", "browsers send them" do
  refuses :puma, "target" => ["as sent, /|{}\"<>^`\\"]
end

Differences.row "a target that leads above the root, or has a broken `%`", "nothing is decoded: it is the app's" do
  refuses :nginx, "target" => ["as sent, /../a/./b", "as sent, /a%2Fb%00%zz%"]
end

Differences.row "the host of an absolute target", "replaces `Host` (RFC 9112, 3.2.2)" do
  sees :puma, "absolute target" => ["http://h/p?q", "http://h", "http://h:81?a/b", "HTTP://H/", "http://[::1]:82/", "http://h//a",
                                    "its host replaces Host", "in HTTP/1.0 without Host"],
              "asterisk target" => ["OPTIONS of a host is one of its root"]
end

Differences.row "an absolute target whose host is none", "has to be refused (RFC 9110, 4.2)" do
  accepts :puma, "absolute target" => ["no host", "nothing but the scheme", "user information", "one slash", "a port beyond 65535"]
  accepts :nginx, "absolute target" => ["a port beyond 65535"]
end

Differences.row "an absolute target of another scheme", "not ours to serve" do
  accepts :puma, :nginx, "absolute target" => ["another scheme"]
end

Differences.row "`CONNECT` with a host and a port", "the app may be a proxy" do
  refuses :puma, :nginx, "authority target" => ["CONNECT"]
end

Differences.row "targets that do not belong to their methods", "not allowed (RFC 9112, 3.2)" do
  accepts :puma, versions: "< 6", "authority target" => ["with an empty port", "CONNECT with a path", "CONNECT with a URL"]
  accepts :puma, versions: ">= 6", "authority target" => ["with another method"]
  accepts :puma, "asterisk target" => ["with another method"]
end

Differences.row "`OPTIONS *`", "has to be understood (RFC 9112, 3.2.4); `PATH_INFO` is empty in Rack 2, which knows no other" do
  sees :puma, versions: "< 6", "asterisk target" => ["OPTIONS"]
  refuses :nginx, "asterisk target" => ["OPTIONS"]
end

Differences.row "more than our limits", "all of them are settings" do
  accepts :puma, "limits" => ["a longer request line", "a longer field", "101 fields"]
  accepts :nginx, "limits" => ["101 fields"]
end

Differences.row "a request line of 8 KiB, a field of 80 KiB, a head of 112 KiB", "what a proxy in front lets through is not refused here" do
  refuses :nginx, "limits" => ["a request line of 8 KiB", "a field of 80 KiB", "a head of 112 KiB"]
end

Differences.row "a field name of more than 256 bytes", "a field has one limit, name and value together" do
  refuses :puma, "fields" => ["a long name"]
end

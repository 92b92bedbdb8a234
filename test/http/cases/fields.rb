# frozen_string_literal: true

# field-line = field-name ":" OWS field-value OWS
HttpCases.topic "fields", "RFC 9112, 5" do
  # lines, and what env has of them
  {
    ["X:1"] => { "HTTP_X" => "1" },
    ["X:  \t 1 \t "] => { "HTTP_X" => "1" },
    ["X:"] => { "HTTP_X" => "" },
    ["X: \t "] => { "HTTP_X" => "" },
    ["X: a  b\tc"] => { "HTTP_X" => "a  b\tc" },
    ["X: :a:,;=\"'\\()<>@[]{}?"] => { "HTTP_X" => ":a:,;=\"'\\()<>@[]{}?" },
    ["X-Long-Name: 1"] => { "HTTP_X_LONG_NAME" => "1" },
    ["x!#$%&'*+.^`|~9: 1"] => { "HTTP_X!#$%&'*+.^`|~9" => "1" },
    ["Content-Type: text/plain"] => { "CONTENT_TYPE" => "text/plain", "HTTP_CONTENT_TYPE" => nil },
    ["Content-Length: 0"] => { "CONTENT_LENGTH" => "0", "HTTP_CONTENT_LENGTH" => nil },
    ["Connection: close"] => { "HTTP_CONNECTION" => "close" },
    ["Connection: keep-alive, X", "X: 1"] => { "HTTP_X" => "1" },
    ["X-Forwarded-Proto: https"] => { "HTTP_X_FORWARDED_PROTO" => "https", "rack.url_scheme" => "http", "HTTPS" => nil }
  }.each { |lines, seen| accepts lines.join(" + "), get(*lines), **seen }
  # Rack::Lint takes HTTP_VERSION for the protocol's, and bytes above 127 for no header.
  accepts "Version is not HTTP_VERSION", get("Version: 7"), "HTTP_VERSION" => "HTTP/1.1"
  accepts "bytes above 127", get("X: caf\xc3\xa9 \xff"), "HTTP_X" => "caf\xc3\xa9 \xff", rfc: "RFC 9110, 5.5"
  accepts "a long name", get("#{"x" * 1000}: 1"), "HTTP_#{"X" * 1000}" => "1"
  # A message can't be told from two, so what is listed behind the first CRLF CRLF belongs to no field.
  accepts "what looks like a field behind the head", get, rest: "X: 1\r\n\r\n", "HTTP_X" => nil
end

HttpCases.topic "repeated fields", "RFC 9110, 5.3" do
  accepts "joined in their order", get("X: a", "Y: 1", "X: b", "X: c"), "HTTP_X" => "a, b, c", "HTTP_Y" => "1"
  accepts "whatever their letters", get("X-y: a", "x-Y: b"), "HTTP_X_Y" => "a, b"
  accepts "with empty values", get("X: ", "X: a"), "HTTP_X" => ", a"
  accepts "cookies", get("Cookie: a=1", "cookie: b=2"), "HTTP_COOKIE" => "a=1; b=2", rfc: "RFC 6265, 5.4"
end

# Rack writes names as CGI does, where "-" becomes "_".
HttpCases.topic "underscores", "RFC 3875, 4.1.18" do
  accepts "a name with one is dropped", get("X_Y: 1"), "HTTP_X_Y" => nil
  accepts "it does not touch its neighbour", get("X-Forwarded-For: a", "X_Forwarded_For: b"), "HTTP_X_FORWARDED_FOR" => "a"
  accepts "nor in the other order", get("X_Forwarded_For: b", "X-Forwarded-For: a"), "HTTP_X_FORWARDED_FOR" => "a"
  accepts "half a dash", get("X_Forwarded-For: b"), "HTTP_X_FORWARDED_FOR" => nil
  accepts "Content_Length is no length", get("Content_Length: 5"), rest: "abcde", "CONTENT_LENGTH" => nil, "body" => ""
  accepts "Content_Length beside a length", post("Content-Length: 3", "Content_Length: 5", body: "abc"), rest: "de",
          "CONTENT_LENGTH" => "3", "body" => "abc"
  accepts "Transfer_Encoding is no coding", get("Transfer_Encoding: chunked"), rest: "0\r\n\r\n",
          "HTTP_TRANSFER_ENCODING" => nil, "body" => ""
  accepts "Content_Type is no type", get("Content_Type: text/html"), "CONTENT_TYPE" => nil, "HTTP_CONTENT_TYPE" => nil
end

HttpCases.topic "field syntax", "RFC 9112, 5.1" do
  {
    "a space before the colon" => "X : 1", "a tab before the colon" => "X\t: 1", "no colon" => "X", "no name" => ": 1",
    "a space in the name" => "X Y: 1", "a name in UTF-8" => "Ä: 1", "a name with a parenthesis" => "X(: 1",
    "a name with a slash" => "X/Y: 1", "a name with quotes" => "\"X\": 1", "NUL in a name" => "X\0: 1",
    "DEL in a name" => "X\x7f: 1", "Host with a space" => "Host : b"
  }.each { |name, line| refuses 400, name, get(line), /field name is not a token/ }
  { "a space in front" => " X: 1", "a tab in front" => "\tX: 1" }.each do |name, line|
    refuses 400, "#{name} of the second line is a fold", get(line), nil, rfc: "RFC 9112, 5.2"
    refuses 400, "#{name} of the first line", head("GET / HTTP/1.1", line, "Host: a"), nil, rfc: "RFC 9112, 2.2"
  end
  refuses 400, "a folded value", get("X: 1", " 2", "Y: 3"), nil, rfc: "RFC 9112, 5.2"
  refuses 400, "a value folded by a tab", get("X: 1", "\t2"), nil, rfc: "RFC 9112, 5.2"
  refuses 400, "a value that is folded at once", get("X:", " 1"), nil, rfc: "RFC 9112, 5.2"
  refuses 400, "a fold of nothing", get("X: 1", " "), nil, rfc: "RFC 9112, 5.2"
end

HttpCases.topic "field values", "RFC 9110, 5.5" do
  { "NUL" => 0, "control character 1" => 1, "backspace" => 8, "vertical tab" => 11, "form feed" => 12, "escape" => 27, "DEL" => 127 }
    .each { |name, byte| refuses 400, name, get("X: a#{byte.chr}b"), /field value has a control character/ }
  refuses 400, "NUL at the end", get("X: a\0"), /control character/
  refuses 400, "NUL alone", get("X: \0"), /control character/
  refuses 400, "a bare CR", get("X: a\rb")
  refuses 400, "a bare CR that hides a field", get("X: a\rY: b")
  refuses 400, "a CR at the end", get("X: a\r")
end

HttpCases.topic "line ends", "RFC 9112, 2.2" do
  refuses 400, "a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", /CRLF/
  refuses 400, "a bare LF that hides a field", get("X: a\nY: b"), /CRLF/
  refuses 400, "a bare LF behind the last field", "GET / HTTP/1.1\r\nHost: a\n\r\n", /CRLF/
  refuses 400, "a bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", /CRLF/
  refuses 400, "bare LFs only", "GET / HTTP/1.1\nHost: a\n\n", /CRLF/
  refuses 400, "a CR for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n"
  refuses 400, "LF CR", "GET / HTTP/1.1\n\rHost: a\n\r\n\r"
end

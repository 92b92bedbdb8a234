# frozen_string_literal: true

# Where the body ends: a server that reads this in another way than the one in front of it serves requests that nobody sent.
HttpCases.topic "Content-Length", "RFC 9110, 8.6" do
  accepts "a body", post("Content-Length: 5", body: "hello"), "CONTENT_LENGTH" => "5", "body" => "hello"
  accepts "no body", post("Content-Length: 0"), "CONTENT_LENGTH" => "0", "body" => ""
  accepts "zeros in front", post("Content-Length: 005", body: "hello"), "body" => "hello"
  accepts "white space around it", post("Content-Length: \t 5 \t", body: "hello"), "CONTENT_LENGTH" => "5", "body" => "hello"
  accepts "bytes of any value", post("Content-Length: 6", body: "\0\r\n\xff\n\r"), "body" => "\0\r\n\xff\n\r"
  accepts "GET with a body", get("Content-Length: 5") + "hello", "body" => "hello", rfc: "RFC 9110, 9.3.1"
  accepts "DELETE with a body", head("DELETE / HTTP/1.1", "Host: a", "Content-Length: 5") + "hello",
          "body" => "hello", rfc: "RFC 9110, 9.3.5"
  accepts "a body that none announces", post, rest: "hello", "CONTENT_LENGTH" => nil, "body" => "", rfc: "RFC 9112, 6.3"
  accepts "more than announced", post("Content-Length: 3", body: "hel"), rest: "lo", "body" => "hel", rfc: "RFC 9112, 6.3"
  accepts "repeated with the same value", post("Content-Length: 5", "content-length: 5", body: "hello"),
          "CONTENT_LENGTH" => "5", "body" => "hello", rfc: "RFC 9110, 8.6"

  {
    "a plus" => "+5", "a minus" => "-5", "minus nothing" => "-0", "a list" => "5, 5", "a list without spaces" => "5,5",
    "two numbers" => "5 5", "a list with a gap" => "5,", "hexadecimal" => "0x5", "a fraction" => "5.0", "an exponent" => "1e1",
    "nothing" => "", "a word" => "five",
    "quotes" => "\"5\"", "an underscore" => "5_0", "a parameter" => "5;a=b", "letters behind" => "5a", "digits of another script" => "٥",
    "2^64" => "18446744073709551616", "40 digits" => "9" * 40
  }.each { |name, value| refuses 400, name, post("Content-Length: #{value}", body: "hello"), /Content-Length is not a decimal/ }
  refuses 400, "NUL behind", post("Content-Length: 5\0", body: "hello"), /control character/
  refuses 400, "a vertical tab in front", post("Content-Length: \v5", body: "hello"), /control character/
  refuses 400, "repeated with another value", post("Content-Length: 5", "Content-Length: 6", body: "hello!"), /repeated with another/,
          rfc: "RFC 9112, 6.3"
  refuses 400, "repeated, once invalid", post("Content-Length: 5", "Content-Length: x", body: "hello"), /not a decimal/,
          rfc: "RFC 9112, 6.3"
  refuses 400, "folded", post("Content-Length:", " 5", body: "hello"), rfc: "RFC 9112, 5.2"
  refuses 400, "a space before its colon", post("Content-Length : 5", body: "hello"), /field name/, rfc: "RFC 9112, 5.1"

  refuses 400, "a body that breaks off", post("Content-Length: 5", body: "hel"), ends: true, rfc: "RFC 9112, 8"
  refuses 400, "a body that never begins", post("Content-Length: 5"), ends: true, rfc: "RFC 9112, 8"
  refuses 400, "2^64 - 1, of which little comes", post("Content-Length: 18446744073709551615", body: "hel"), ends: true, rfc: "RFC 9112, 8"
end

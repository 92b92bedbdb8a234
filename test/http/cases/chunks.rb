# frozen_string_literal: true

# chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
HttpCases.topic "chunks", "RFC 9112, 7.1" do
  accepts "several", chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), "body" => "hello"
  accepts "none", chunked("0\r\n\r\n"), "body" => ""
  accepts "a hexadecimal size", chunked("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), "body" => "01234567890123456789a"
  accepts "zeros in front of a size", chunked("0005\r\nhello\r\n000\r\n\r\n"), "body" => "hello"
  accepts "a size of 16 digits", chunked("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"), "body" => "hello"
  accepts "data that looks like the end", chunked("7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"), "body" => "0\r\n\r\n\r\n"
  accepts "bytes of any value", chunked("4\r\n\0\xff\r\n\r\n0\r\n\r\n"), "body" => "\0\xff\r\n"
  accepts "a large chunk", chunked("186a0\r\n#{"x" * 100_000}\r\n0\r\n\r\n"), "body" => "x" * 100_000
  accepts "many small chunks", chunked("#{"1\r\nx\r\n" * 300}0\r\n\r\n"), "body" => "x" * 300

  {
    "a letter" => "x", "a minus" => "-5", "a plus" => "+5", "0x" => "0x5", "a space in front" => " 5", "a space behind" => "5 ",
    "nothing" => "", "a comma" => "5,", "a dot" => "5.", "two numbers" => "5 5", "NUL" => "5\0",
    "an underscore" => "5_0", "quotes" => "\"5\"", "h" => "5h",
    "17 digits" => "00000000000000005", "2^64" => "10000000000000000", "18 digits" => "f" * 18
  }.each { |name, size| refuses 400, "a size with #{name}", chunked("#{size}\r\nhello\r\n0\r\n\r\n") }
  refuses 400, "a bare LF behind the size", chunked("5\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare CR behind the size", chunked("5\rhello\r\n0\r\n\r\n")
  refuses 400, "two CR behind the size", chunked("5\r\r\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare LF behind the data", chunked("5\r\nhello\n0\r\n\r\n")
  refuses 400, "nothing behind the data", chunked("5\r\nhello0\r\n\r\n")
  refuses 400, "more data than its size", chunked("5\r\nhello!\r\n0\r\n\r\n")
  refuses 400, "less data than its size", chunked("6\r\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare LF behind the last size", chunked("5\r\nhello\r\n0\n\r\n")
  refuses 400, "a bare LF at the end", chunked("5\r\nhello\r\n0\r\n\n")
  refuses 400, "a bare CR at the end", chunked("5\r\nhello\r\n0\r\n\r!")
  refuses 400, "an empty line in front", chunked("\r\n5\r\nhello\r\n0\r\n\r\n")

  {
    "before a size" => "", "in a size" => "5", "behind a size" => "5\r\n", "in the data" => "5\r\nhel", "behind the data" => "5\r\nhello",
    "before the last chunk" => "5\r\nhello\r\n", "in the last chunk" => "5\r\nhello\r\n0\r\n",
    "before the last byte" => "5\r\nhello\r\n0\r\n\r",
    "in a chunk of 2^64 - 1" => "ffffffffffffffff\r\nhello"
  }.each { |name, body| refuses 400, "the client leaves #{name}", chunked(body), ends: true, rfc: "RFC 9112, 8" }
end

HttpCases.topic "chunk extensions", "RFC 9112, 7.1.1" do
  [";a", ";a=b", ";a=\"b c\"", ";a;b=c", " ;a", "\t; a = b", ";"].each do |extension|
    accepts extension.inspect, chunked("5#{extension}\r\nhello\r\n0#{extension}\r\n\r\n"), "body" => "hello"
  end
  accepts "16 KiB of them", chunked("5;#{"a" * 16_383}\r\nhello\r\n0\r\n\r\n"), "body" => "hello"
  refuses 400, "more than 16 KiB", chunked("5;#{"a" * 16_384}\r\nhello\r\n0\r\n\r\n")
  refuses 400, "more than 16 KiB together", chunked("#{"1;#{"a" * 99}\r\nx\r\n" * 164}0\r\n\r\n")
  refuses 400, "NUL", chunked("5;a\0\r\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare LF", chunked("5;a\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare LF that hides a chunk", chunked("5;a\n0\r\nhello\r\n0\r\n\r\n")
  refuses 400, "a bare CR", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n")
end

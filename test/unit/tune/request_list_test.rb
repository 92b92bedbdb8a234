# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/tune/request_list"

class TuneRequestListTest < UnitTest
  RequestList = Pitchfork::Tune::RequestList
  Request = Pitchfork::Tune::Request

  def parse(text)
    RequestList.parse(text, "list.txt")
  end

  def test_lines
    list = parse(<<~'TEXT')
      # what is asked most
      GET /notes/{n}?page={n}

      /plain
      DELETE /notes/1
      {"method": "POST", "path": "/notes", "headers": {"Content-Type": "application/json"}, "body": "{\"n\": {n}}"}
      {"path": "/image", "body_base64": "/wA="}
    TEXT

    assert_equal ["GET /notes/{n}?page={n}", "GET /plain", "DELETE /notes/1"], list.requests.take(3).map(&:to_line)
    assert_equal ["POST", "/notes", { "Content-Type" => "application/json" }, '{"n": {n}}'], list.requests[3].to_a
    assert_equal ["GET", "/image", {}, "\xFF\x00".b], list.requests[4].to_a
    assert_equal list.requests[2], list[7]
  end

  def test_an_access_log
    list = parse(<<~TEXT)
      127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 512
      ::1 - me [22/Nov/2026:10:00:01 +0000] "POST /a HTTP/1.1" 201 0 "http://referer/" "Agent \\"of\\" mine"
      example.org:80 1.2.3.4 - - [22/Nov/2026:10:00:02 +0000] "HEAD / HTTP/2.0" 200 0 "-" "curl"
    TEXT

    assert_equal ["GET /a?b=c", "HEAD /"], list.requests.map(&:to_line)
    assert_equal 1, list.left_out
  end

  def test_bytes
    request = Request.new("POST", "/notes/{n}", { "Host" => "example.org", "X" => "y" }, "n={n}&ü".dup)

    head = "POST /notes/12 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nX: y\r\nContent-Length: 7\r\n\r\n"
    assert_equal "#{head}n=12&ü".b, request.bytes(12)
    assert_equal "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", Request.new("GET", "/", {}, "").bytes(0)
    assert_includes Request.new("POST", "/", {}, "").bytes(0), "Content-Length: 0\r\n"
  end

  def test_what_is_written_is_read_again
    requests = [
      Request.new("GET", "/a?b={n}", {}, ""), Request.new("PUT", "/a", { "Accept" => "*/*" }, "text \"ü\"\n"),
      Request.new("POST", "/b", {}, "\x00\xFF".b), Request.new("M-SEARCH", "/", {}, ""),
      Request.new("VERSION-CONTROL", "/", { "A" => "b" }, "")
    ]

    again = parse(requests.map(&:to_line).join("\n")).requests
    requests.zip(again) { |before, after| assert_equal before.bytes(7), after.bytes(7) }
  end

  BAD = {
    "GET /ok\nGET notes" => 'list.txt:2: expected GET /path, a JSON object, or a line of an access log, got "GET notes"',
    "\n{\"path\": \"/a\"" => /\Alist\.txt:2: not JSON: /,
    '{"path": "a"}' => 'list.txt:1: path: expected a String that starts with / and has no spaces, got "a"',
    '{"path": "/a b"}' => 'list.txt:1: path: expected a String that starts with / and has no spaces, got "/a b"',
    '{"path": "/", "method": "get"}' => 'list.txt:1: method: expected a word such as GET, got "get"',
    '{"path": "/", "headers": {"A": "b\r\nC: d"}}' => /\Alist\.txt:1: headers: expected an object of names and strings, got /,
    '{"path": "/", "headers": {"A b": "c"}}' => /\Alist\.txt:1: headers: expected an object of names and strings, got /,
    '{"path": "/", "body": 5}' => "list.txt:1: body: expected a String, got 5",
    '{"path": "/", "body_base64": "%"}' => 'list.txt:1: body_base64: expected base64 without line ends, got "%"',
    '{"path": "/", "bdoy": ""}' => "list.txt:1: unknown key bdoy; expected method, path, headers, body, body_base64",
    "# nothing\n" => "list.txt: no requests; expected lines such as GET /path",
    "- - [x] \"POST /a HTTP/1.1\" 200\n" => "list.txt: no requests, only lines of an access log that have a body; " \
                                            "expected lines such as GET /path"
  }.freeze

  BAD.each do |text, message|
    define_method("test_bad_#{text.inspect}") do
      error = assert_raises(Pitchfork::ConfigurationError) { parse(text) }
      message.is_a?(Regexp) ? assert_match(message, error.message) : assert_equal(message, error.message)
    end
  end

  def test_the_headers_of_the_connection_are_the_clients
    list = parse('{"path": "/", "headers": {"Content-Length": "99", "connection": "keep-alive", "A": "b"}}')
    assert_equal "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: b\r\n\r\n", list[0].bytes(0)
  end

  # A second one is answered by 400.
  def test_one_host_however_it_is_spelt
    list = parse('{"path": "/", "headers": {"host": "a.org", "HOST": "b.org", "Transfer-encoding": "chunked"}, "body": "x"}')
    assert_equal "GET / HTTP/1.1\r\nhost: a.org\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", list[0].bytes(0)
  end

  def test_a_file_that_is_not_there
    error = assert_raises(Pitchfork::ConfigurationError) { RequestList.read("gone.txt") }
    assert_equal "gone.txt: No such file or directory; it was to hold the requests", error.message
  end
end

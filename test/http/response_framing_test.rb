# frozen_string_literal: true

require "support/shared_server_test"

# How the end of a response is told (RFC 9112, 6), by method, version, status and kind of body: every byte of it.
class ResponseFramingTest < SharedServerTest
  # The app is in the request, so that it stands beside what becomes of it. It breaks the rules on purpose here and there.
  serves '->(env) { eval(env["HTTP_X_RESPONSE"]) }', lint: false, config: "worker_processes 1"

  PARTS = '["he", "", "llo"]'
  EACH = "#{PARTS}.each"
  STREAM = "->(stream) { #{PARTS}.each { |part| stream << part }; stream.close }"
  CHUNKS = "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
  # A file that may only be sent by its path.
  FILE = "Struct.new(:to_path) { def each = fail }.new('f')"
  CLOSE = "Connection: close"
  LENGTH = "Content-Length: 5"
  CHUNKED = "Transfer-Encoding: chunked"

  # name: method, version, response, then the status line, fields without Date, body
  {
    "an Array" => ["GET", "1.1", "[200, {}, #{PARTS}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "an Array for HTTP/1.0" => ["GET", "1.0", "[200, {}, #{PARTS}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "an empty Array" => ["GET", "1.1", "[200, {}, []]", "200 OK", [CLOSE, "Content-Length: 0"], ""],
    "an Array of nothing" => ["GET", "1.1", "[200, {}, ['']]", "200 OK", [CLOSE, "Content-Length: 0"], ""],
    "an Array and its length" => ["GET", "1.1", "[200, { 'content-length' => '5' }, #{PARTS}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "what becomes an Array" =>
      ["GET", "1.1", "[200, {}, #{EACH}.tap { |b| def b.to_ary = to_a }]", "200 OK", [CLOSE, LENGTH], "hello"],
    "a large Array" => ["GET", "1.1", "[200, {}, ['x' * 1000] * 300]", "200 OK", [CLOSE, "Content-Length: 300000"], "x" * 300_000],

    "parts" => ["GET", "1.1", "[200, {}, #{EACH}]", "200 OK", [CLOSE, CHUNKED], CHUNKS],
    "parts for HTTP/1.0" => ["GET", "1.0", "[200, {}, #{EACH}]", "200 OK", [CLOSE], "hello"],
    "parts of a length" => ["GET", "1.1", "[200, { 'Content-Length' => '5' }, #{EACH}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "parts of a length for HTTP/1.0" => ["GET", "1.0", "[200, { 'Content-Length' => '5' }, #{EACH}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "no parts" => ["GET", "1.1", "[200, {}, [].each]", "200 OK", [CLOSE, CHUNKED], "0\r\n\r\n"],
    "no parts for HTTP/1.0" => ["GET", "1.0", "[200, {}, [].each]", "200 OK", [CLOSE], ""],
    "a part of 70,000 bytes" =>
      ["GET", "1.1", "[200, {}, ['x' * 70_000].each]", "200 OK", [CLOSE, CHUNKED], "11170\r\n#{"x" * 70_000}\r\n0\r\n\r\n"],
    "chunks of the app's own" =>
      ["GET", "1.1", "[200, { 'transfer-encoding' => 'chunked' }, #{CHUNKS.inspect}.lines.each]", "200 OK", [CLOSE, CHUNKED], CHUNKS],

    "a stream" => ["GET", "1.1", "[200, {}, #{STREAM}]", "200 OK", [CLOSE, CHUNKED], CHUNKS],
    "a stream for HTTP/1.0" => ["GET", "1.0", "[200, {}, #{STREAM}]", "200 OK", [CLOSE], "hello"],
    "a stream of a length" => ["GET", "1.1", "[200, { 'content-length' => '5' }, #{STREAM}]", "200 OK", [CLOSE, LENGTH], "hello"],

    "a file" => ["GET", "1.1", "File.write('f', 'hello'); [200, {}, File.open('f')]", "200 OK", [CLOSE, LENGTH], "hello"],
    "a file by its path" =>
      ["GET", "1.1", "File.write('f', 'hello'); [200, {}, #{FILE}]", "200 OK", [CLOSE, LENGTH], "hello"],
    "an empty file" =>
      ["GET", "1.1", "File.write('f', ''); [200, {}, #{FILE}]", "200 OK", [CLOSE, "Content-Length: 0"], ""],

    # RFC 9110, 9.3.2: "MUST NOT send content in the response" to HEAD.
    "HEAD of an Array" => ["HEAD", "1.1", "[200, {}, #{PARTS}]", "200 OK", [CLOSE], ""],
    "HEAD of an Array and its length" => ["HEAD", "1.1", "[200, { 'content-length' => '5' }, #{PARTS}]", "200 OK", [CLOSE, LENGTH], ""],
    "HEAD of parts" => ["HEAD", "1.1", "[200, {}, #{EACH}]", "200 OK", [CLOSE], ""],
    "HEAD of parts of a length" => ["HEAD", "1.0", "[200, { 'content-length' => '5' }, #{EACH}]", "200 OK", [CLOSE, LENGTH], ""],
    "HEAD of a stream" => ["HEAD", "1.1", "[200, {}, ->(_) { fail }]", "200 OK", [CLOSE], ""],
    "HEAD of a failure" => ["HEAD", "1.1", "[500, {}, #{PARTS}]", "500 Internal Server Error", [CLOSE], ""],

    # RFC 9110, 8.6 and 15.3.5; RFC 9112, 6.1: neither content nor a length nor a coding.
    "204 of an Array" => ["GET", "1.1", "[204, {}, #{PARTS}]", "204 No Content", [CLOSE], ""],
    "204 of parts" => ["GET", "1.1", "[204, { 'transfer-encoding' => 'chunked' }, #{EACH}]", "204 No Content", [CLOSE], ""],
    "204 and a length" => ["GET", "1.1", "[204, { 'content-length' => '5' }, []]", "204 No Content", [CLOSE], ""],
    "204 of a stream" => ["GET", "1.1", "[204, {}, ->(_) { fail }]", "204 No Content", [CLOSE], ""],
    "205" => ["GET", "1.1", "[205, {}, #{PARTS}]", "205 Reset Content", [CLOSE, "Content-Length: 0"], ""],
    "304 of an Array" => ["GET", "1.1", "[304, { 'etag' => 'x' }, #{PARTS}]", "304 Not Modified", ["etag: x", CLOSE], ""],
    "304 of parts" => ["GET", "1.1", "[304, {}, #{EACH}]", "304 Not Modified", [CLOSE], ""],
    "304 and the length it would have" => ["GET", "1.1", "[304, { 'content-length' => '5' }, []]", "304 Not Modified", [CLOSE, LENGTH], ""],
    "HEAD of 204" => ["HEAD", "1.1", "[204, {}, []]", "204 No Content", [CLOSE], ""],

    # RFC 9110, 9.3.6: what follows a 2xx is a tunnel, which has no length.
    "CONNECT" => ["CONNECT", "1.1", "[200, { 'content-length' => '5' }, #{EACH}]", "200 OK", [CLOSE], "hello"],
    "CONNECT that is refused" => ["CONNECT", "1.1", "[403, {}, #{PARTS}]", "403 Forbidden", [CLOSE, LENGTH], "hello"],

    "OPTIONS" => ["OPTIONS", "1.1", "[200, { 'allow' => 'GET' }, []]", "200 OK", ["allow: GET", CLOSE, "Content-Length: 0"], ""],
    "POST" => ["POST", "1.1", "[201, {}, #{EACH}]", "201 Created", [CLOSE, CHUNKED], CHUNKS],
    "a redirect" => ["GET", "1.1", "[302, { 'location' => '/a' }, []]", "302 Found", ["location: /a", CLOSE, "Content-Length: 0"], ""],
    "a status that nobody knows" => ["GET", "1.1", "[299, {}, []]", "299 ", [CLOSE, "Content-Length: 0"], ""]
  }.each do |name, (method, version, response, line, fields, body)|
    define_method("test_#{name}") do
      Wire.open(shared.port) do |wire|
        target = method == "CONNECT" ? "test:80" : "/"
        wire.write(request(method, target, "X-Response: #{response}", version: version))
        answer, ending = wire.finish
        expected = "HTTP/1.1 #{line}\r\n#{[*fields].sort.map { |field| "#{field}\r\n" }.join}\r\n#{body}"
        assert_equal [expected, :fin], [sorted(answer), ending]
      end
    end
  end

  # RFC 9110, 6.6.1: the second in which it was sent.
  def test_date
    date = -> { Time.httpdate(exchange(request("GET", "/", "X-Response: [200, {}, []]")).first["date"]) }
    before = Time.at(Time.now.to_i)
    first = date.call
    assert_includes before..Time.now, first
    Timeout.timeout(5) { nil until date.call > first }
    assert_in_delta Time.now, date.call, 1.5
    assert_equal "mine", exchange(request("GET", "/", "X-Response: [200, { 'date' => 'mine' }, []]")).first["date"]
  end

  # @return [String] an answer with its fields in alphabetical order, and without Date
  def sorted(answer)
    head, body = answer.split("\r\n\r\n", 2)
    line, *fields = head.split("\r\n")
    dates, others = fields.partition { |field| field.start_with?("Date: ") }
    assert_match(/\A\["Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"\]\z/, dates.inspect)
    [line, *others.sort, "", body].join("\r\n")
  end
end

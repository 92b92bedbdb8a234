# frozen_string_literal: true

require "support/shared_server_test"

# The limits on what a client may send, where the settings say so.
class LimitsTest < SharedServerTest
  serves <<~'RUBY', config: <<~CONFIG
    lambda do |env|
      env["HTTP_X_CALLED"] && note("called")
      body = env["PATH_INFO"] == "/unread" ? "unread" : env["rack.input"]&.read.to_s
      [200, { "content-type" => "text/plain" }, [body]]
    rescue Pitchfork::ClientShutdown => e
      raise if env["PATH_INFO"] == "/raise"
      [200, { "content-type" => "text/plain" }, ["rescued #{e.status}"]]
    end
  RUBY
    require "logger"
    logger Logger.new($stderr, level: :debug)
    client_request_line_max_size 64
    client_header_field_max_size 80
    client_header_max_size 256
    client_header_max_fields 5
    client_body_max_size 10
  CONFIG

  def line(length)
    "GET /#{"a" * (length - "GET / HTTP/1.1".bytesize)} HTTP/1.1\r\nHost: a\r\n\r\n"
  end

  def field(length)
    request("GET", "/", "X: #{"a" * (length - 3)}")
  end

  def whole(length)
    rest = length - request("GET", "/", *%w[A B C D].map { |name| "#{name}: " }).bytesize
    request("GET", "/", *%w[A B C].map { |name| "#{name}: #{"a" * (rest / 4)}" }, "D: #{"a" * (rest - (rest / 4 * 3))}")
  end

  def fields(count)
    request("GET", "/", *Array.new(count - 1) { |i| "X-#{i}: 1" })
  end

  # Each at its limit, and one beyond.
  {
    "request_line" => [:line, 64, 414, /request line is longer than 64 bytes/],
    "field" => [:field, 80, 431, /field line is longer than 80 bytes/],
    "head" => [:whole, 256, 431, /request head is longer than 256 bytes/],
    "fields" => [:fields, 5, 431, /request has more than 5 fields/]
  }.each do |name, (method, limit, status, reason)|
    [false, true].each do |dribble|
      define_method("test_#{name}#{"_byte_by_byte" if dribble}") do
        reply, ending = exchange(send(method, limit), dribble: dribble)
        assert_equal [200, :fin], [reply.status, ending]
        reply, = exchange(send(method, limit + 1), dribble: dribble)
        assert_equal [status, "close"], [reply.status, reply["connection"]]
        shared.wait_for(/refused a request from 127\.0\.0\.1: #{status}, .*#{reason}/)
      end
    end
  end

  # The client need not come to an end to be refused.
  def test_without_an_end
    {
      "GET /#{"a" * 100}" => 414,
      "GET / HTTP/1.1\r\nHost: a\r\nX: #{"a" * 100}" => 431,
      "GET / HTTP/1.1\r\nHost: a\r\n#{"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 4}" => 431
    }.each do |bytes, status|
      reply, ending = exchange(bytes)
      assert_equal [status, :fin], [reply.status, ending], bytes
    end
  end

  def test_a_body_at_its_limit
    assert_equal "0123456789", exchange(post("0123456789")).first.content
    reply, = exchange(request("POST", "/", "Transfer-Encoding: chunked", body: "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"))
    assert_equal "0123456789", reply.content
  end

  # RFC 9110, 15.5.14. The app is not called for it; the client gets its answer, however much it goes on sending.
  def test_a_length_beyond_the_limit
    [["Content-Length: 11", "0123456789a"], ["Content-Length: 11", ""], ["Content-Length: 500000", "a" * 500_000],
     ["Content-Length: 18446744073709551615", "a"]].each do |length, body|
      reply, ending = exchange(request("POST", "/", length, "X-Called: 1", body: body))
      assert_equal [413, "close", "Content Too Large\n", :fin], [*reply.show(:status, "connection", :body), ending], length
      shared.wait_for(/refused a request from 127\.0\.0\.1: 413, /)
    end
    assert_empty notes
  end

  # How long it is shows only when it is read.
  def test_chunks_beyond_the_limit
    ["b\r\n0123456789a\r\n0\r\n\r\n", "a\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n", "5\r\n01234\r\nffffff\r\n01234"].each do |body|
      sent = request("POST", "/raise", "Transfer-Encoding: chunked", body: body)
      reply, ending = exchange(sent)
      assert_equal [413, "Content Too Large\n", :fin], [*reply.show(:status, :body), ending], body
      assert_equal "rescued 413", exchange(sent.sub("/raise", "/")).first.content
      assert_equal "unread", exchange(sent.sub("/raise", "/unread")).first.content
    end
  end
end

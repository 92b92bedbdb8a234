# frozen_string_literal: true

require "support/app_test"

# Clients that send nonsense, too much or nothing, or are gone before they have their answer: the worker goes on.
class ClientsTest < AppTest
  APP = '->(env) { [200, { "content-type" => "text/plain" }, [env["rack.input"]&.read.to_s, "fine"]] }'

  def before_setup
    super
    @server = serve(APP)
    @worker = @server.process("pitchfork worker[0]").pid
  end

  def assert_still_serving
    assert_equal "fine", fetch(@server).content
    assert_equal @worker, @server.process("pitchfork worker[0]").pid
    refute_match(/ERROR/, @server.log)
  end

  def test_malformed_requests
    {
      "nonsense\r\n\r\n" => 400,
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".b => 400, # TLS
      "GET /\r\n\r\n" => 400,
      "GET / HTTP/1.1\r\n\r\n" => 400, # no Host
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" => 400,
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" => 400,
      "GET / HTTP/1.1\nHost: a\n\n" => 400,
      "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n" => 400,
      "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n" => 400,
      "GET /#fragment HTTP/1.1\r\nHost: a\r\n\r\n" => 400,
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n" => 505,
      "GET /#{"a" * 20_000} HTTP/1.1\r\nHost: a\r\n\r\n" => 414,
      "GET / HTTP/1.1\r\nHost: a\r\n#{"X: #{"a" * 900}\r\n" * 1000}\r\n" => 431,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" => 400,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" => 400,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" => 400,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" => 400
    }.each do |bytes, status|
      reply = ask(@server, bytes)
      assert_equal [status, "close"], [reply.status, reply["connection"]], bytes[0, 100]
      refute_match(/fine|pitchfork|ruby/i, reply.to_a.join)
    end
    assert_still_serving
  end

  # The server waits for ten seconds; a client that ends its side need not be waited for.
  def test_half_a_head
    ["", "G", "GET / HTTP/1.1\r\nHost:", "GET / HTTP/1.1\r\nHost: a\r\n"].each do |bytes|
      assert_equal "", talk(@server, bytes, &:close_write), bytes
    end
    assert_still_serving
  end

  def test_clients_that_come_and_go
    50.times { TCPSocket.open("127.0.0.1", @server.port, &:close) }
    50.times { TCPSocket.open("127.0.0.1", @server.port) { |socket| reset(socket) } }
    ["G", request("GET", "/"), request("POST", "/", "Content-Length: 9", body: "half"), "nonsense\r\n\r\n"].each do |bytes|
      10.times do
        TCPSocket.open("127.0.0.1", @server.port) do |socket|
          socket.write(bytes)
          reset(socket)
        end
      end
    end
    assert_still_serving
  end

  # Whose bytes cross the response on their way.
  def test_a_client_that_sends_too_much
    assert_equal "fine", ask(@server, request("GET", "/", body: "a" * 10_000)).content
    assert_equal "1234fine", ask(@server, request("POST", "/", "Content-Length: 4", body: "1234#{"a" * 100_000}")).content
    assert_still_serving
  end

  def test_bytes_without_sense
    random = Random.new(7)
    100.times do |i|
      bytes = "#{["", "GET ", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"][i % 4]}#{random.bytes(random.rand(1..2000))}\r\n\r\n"
      begin
        assert_match(/\A(HTTP\/1\.1 (400|414|431|505) |\z)/, talk(@server, bytes.b) { |socket| socket.close_write })
      rescue Errno::ECONNRESET, Errno::EPIPE, Errno::ENOTCONN
        next # refused before all was sent
      end
    end
    assert_still_serving
  end
end

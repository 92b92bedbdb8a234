# frozen_string_literal: true

require "support/client_test"
require "support/web_socket"

# An echo over a WebSocket, each way that Rack has to take over a connection.
class WebSocketTest < ClientTest
  SETUP = "require '#{ServerProcess::ROOT}/test/support/web_socket'\n"

  # What the app returns for a request with the key.
  APPS = {
    # All of the connection, for longer than the request.
    "full hijacking in a thread" => <<~'RUBY',
      io = env["rack.hijack"].call
      Thread.new do
        io.write(WebSocket.head(key))
        WebSocket.new(io).echo
        io.close
      end
      [-1, {}, []]
    RUBY
    # All of it, while the worker does nothing else.
    "full hijacking in the request" => <<~'RUBY',
      io = env["rack.hijack"].call
      io.write(WebSocket.head(key))
      WebSocket.new(io).echo
      io.close
      [200, { "content-type" => "text/plain" }, []]
    RUBY
    "partial hijacking" => <<~'RUBY',
      echo = lambda do |io|
        WebSocket.new(io).echo
        io.close
      end
      [101, WebSocket.headers(key).merge("rack.hijack" => echo), []]
    RUBY
    # Rack 3.
    "a streaming body" => <<~'RUBY'
      echo = lambda do |stream|
        WebSocket.new(stream).echo
        stream.close
      end
      [101, WebSocket.headers(key), echo]
    RUBY
  }.freeze

  # Where Lint has a say: not about a response that is not sent, and Rack 2 knows no streaming bodies.
  LINTED = { "full hijacking in the request" => true, "partial hijacking" => true, "a streaming body" => RACK >= 3 }.freeze

  MESSAGES = [
    [WebSocket::TEXT, "Grüße"], [WebSocket::TEXT, ""], [WebSocket::BINARY, Random.new(1).bytes(125)],
    [WebSocket::BINARY, Random.new(2).bytes(126)], [WebSocket::BINARY, Random.new(3).bytes(65_535)],
    [WebSocket::BINARY, Random.new(4).bytes(200_000)]
  ].map { |opcode, data| [WebSocket::FINAL | opcode, data.b] }.freeze

  APPS.each do |way, code|
    define_method(:"test_#{way.tr(" ", "_")}") do
      server = serve(<<~RUBY, setup: SETUP, lint: LINTED.fetch(way, false))
        lambda do |env|
          next [200, { "content-type" => "text/plain" }, ["no"]] unless (key = env["HTTP_SEC_WEBSOCKET_KEY"])
          #{code}
        end
      RUBY
      2.times { TCPSocket.open("127.0.0.1", server.port) { |io| assert_echo(io, "127.0.0.1:#{server.port}") } }
      assert_equal "no", fetch(server).content
      refute_match(/ERROR|WARN/, server.log)
    end
  end

  def assert_echo(io, host)
    head, socket = WebSocket.open(io, host: host)
    assert_match(/\AHTTP\/1\.1 101 Switching Protocols\r\n/, head)
    assert_match(/^connection: upgrade\r$/i, head)
    assert_match(/^upgrade: websocket\r$/i, head)
    refute_match(/^(content-length|transfer-encoding|date):/i, head)
    MESSAGES.each do |first, data|
      socket.transmit(first, data)
      assert_equal [first, data], socket.receive
    end
    socket.transmit(WebSocket::FINAL | WebSocket::PING, "there?")
    assert_equal [WebSocket::FINAL | WebSocket::PONG, "there?"], socket.receive
    socket.transmit(WebSocket::FINAL | WebSocket::CLOSE, [1000].pack("n"))
    assert_equal [WebSocket::FINAL | WebSocket::CLOSE, [1000].pack("n")], socket.receive
    assert_nil io.read(1)
  end

  # A client that leaves without a word.
  def test_a_client_that_leaves
    server = serve(<<~RUBY, setup: SETUP, lint: false)
      lambda do |env|
        next [200, { "content-type" => "text/plain" }, ["next"]] unless (key = env["HTTP_SEC_WEBSOCKET_KEY"])
        #{APPS["partial hijacking"]}
      end
    RUBY
    TCPSocket.open("127.0.0.1", server.port) { |io| WebSocket.open(io, host: "test") }
    assert_equal "next", fetch(server).content
    refute_match(/ERROR/, server.log)
  end
end

# frozen_string_literal: true

require "support/client_test"
require "support/web_socket"

# examples/streaming.ru, with one worker: its streams go on while it serves other requests.
class StreamingExampleTest < ClientTest
  EXAMPLE = File.read(File.join(ServerProcess::ROOT, "examples/streaming.ru"))

  def before_setup
    super
    @server = start(app: EXAMPLE.sub(/^run\(/) { "#{LINT}run(" }, config: "early_hints true")
    @host = "127.0.0.1:#{@server.port}"
  end

  def test_streams_side_by_side
    TCPSocket.open("127.0.0.1", @server.port) do |events|
      events.write(request("GET", "/time"))
      assert_match(%r{^content-type: text/event-stream\r$}, events.gets("\r\n\r\n"))
      assert_match(/\Adata: \d\d:\d\d:\d\d\n\n\z/, events.gets("\n\n"))
      TCPSocket.open("127.0.0.1", @server.port) { |io| assert_echo(WebSocket.open(io, host: @host, path: "/echo").last) }
      assert_match(/^data: /, events.gets("\n\n"))
    end
    assert_equal 426, fetch(@server, "/echo").status
    refute_match(/ERROR|WARN/, @server.log)
  end

  def assert_echo(socket)
    ["Hello", "Grüße", "a" * 60_000].each do |text|
      socket.transmit(WebSocket::FINAL | WebSocket::TEXT, text.b)
      assert_equal [WebSocket::FINAL | WebSocket::TEXT, text.b], socket.receive
    end
    socket.transmit(WebSocket::FINAL | WebSocket::CLOSE)
    assert_equal [WebSocket::FINAL | WebSocket::CLOSE, ""], socket.receive
    assert_nil socket.receive
  end

  def test_early_hints
    answers = curl("--include", "http://#{@host}/").out
    assert_match(%r{\AHTTP/1\.1 103 Early Hints\r\nlink: </style\.css>; rel=preload; as=style\r\n\r\nHTTP/1\.1 200 OK\r\n}, answers)
  end
end

# frozen_string_literal: true

require "io/wait"
require "support/shared_server_test"
require "support/http_cases"
require "support/echo"

# The network may cut a request anywhere: it means the same in two pieces as in one.
class SplitsTest < SharedServerTest
  serves "Echo.linted", setup: Echo::SETUP, lint: false, config: "listen 'unix:socket'"

  TIOCOUTQ = 0x5411

  WHOLE = [
    "request line: GET", "request line: one empty line in front", "absolute target: its host replaces Host", "fields: X:  \t 1 \t ",
    "repeated fields: cookies", "Content-Length: bytes of any value", "chunks: several", "chunks: a hexadecimal size",
    "chunk extensions: \";a=\\\"b c\\\"\"", "trailers: several", "HTTP/1.0: a body",
    "request line: a bare LF", "field syntax: Host with a space", "chunks: less data than its size"
  ].map { |name| HttpCases.find(name) }

  WHOLE.each do |request|
    define_method("test_#{request}") do
      whole = answer(request.bytes)
      assert_equal request.status, Reply.parse(whole).status
      (1...request.bytes.bytesize).each do |at|
        assert_equal whole, answer(request.bytes.byteslice(0, at), request.bytes.byteslice(at..)), "cut at #{at}"
      end
    end
  end

  # @return [String] without what the clock says
  def answer(*pieces)
    UNIXSocket.open(File.join(shared.directory, "socket")) do |socket|
      pieces.each do |piece|
        socket.write(piece)
        await_read(socket)
      end
      socket.read.sub(/^Date: .*\r$/, "Date: \r")
    rescue Errno::EPIPE, Errno::ECONNRESET
      socket.read.sub(/^Date: .*\r$/, "Date: \r") # refused in the first piece
    end
  end

  # Returns when the server has taken all that was sent: a UNIX socket knows.
  def await_read(socket)
    left = [0].pack("i")
    loop do
      socket.ioctl(TIOCOUTQ, left)
      break if left.unpack1("i").zero? || socket.wait_readable(0)

      Thread.pass
    end
  end
end

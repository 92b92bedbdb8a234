# frozen_string_literal: true

require "socket"
require "io/wait"

# A connection as the kernel shows it: bytes out, bytes in, and how it ended.
#
#   wire = Wire.new(port)
#   wire.write("GET / HTTP/1.1\r\n")
#   wire.read_until("100 Continue\r\n\r\n")
#   wire.finish        # => [bytes, :fin]
class Wire
  # How long the other side may be silent before it must have forgotten us.
  PATIENCE = 30

  attr_reader :socket, :received

  def initialize(port)
    @socket = TCPSocket.new("127.0.0.1", port)
    @socket.setsockopt(:TCP, :NODELAY, true)
    @received = +"".b
  end

  # Opens a connection for as long as the block takes.
  def self.open(port)
    wire = new(port)
    yield wire
  ensure
    wire&.close
  end

  # @return [Boolean] whether the other side still takes bytes
  def write(bytes)
    @socket.write(bytes)
    true
  rescue Errno::EPIPE, Errno::ECONNRESET
    false
  end

  # Sends each byte in a packet of its own, until there is an answer: who was refused stops talking.
  def dribble(bytes)
    bytes.each_byte { |byte| break if @socket.wait_readable(0) || !write(byte.chr) }
  end

  # Ends this side: nothing more will be sent.
  def close_write
    @socket.close_write
  rescue Errno::ENOTCONN
    nil # the other side was faster, with a reset
  end

  # Waits for bytes that end so.
  #
  # @return [String] all since the last call
  def read_until(ending)
    @received << piece until @received.end_with?(ending)
    take
  end

  # Waits for bytes that contain this, and leaves them where they are.
  def await(text)
    @received << piece until @received.include?(text)
  end

  # Reads one response to the end that its Content-Length says, or to the end of the connection.
  #
  # @param bodiless [Boolean] whether it ends with its head
  # @return [String] empty: there was none
  def read_response(bodiless: false)
    loop do
      head, separator, body = @received.partition("\r\n\r\n")
      length = bodiless ? 0 : head[/^content-length: *(\d+)/i, 1]&.to_i
      break if !separator.empty? && (head.match?(%r{\AHTTP/1\.1 1\d\d}) || (length && body.bytesize >= length))

      @received << piece
    end
    take
  rescue EOFError, Errno::ECONNRESET
    take
  end

  # @return [Array(String, Symbol)] what came since the last call, and how the connection ended: :fin or :rst
  def finish
    loop { @received << piece }
  rescue EOFError
    [take, :fin]
  rescue Errno::ECONNRESET
    [take, :rst]
  end

  # @return [Boolean] whether nothing has come, not even an end
  def silent?
    !@socket.wait_readable(0)
  end

  # Ends the connection at once, whatever is still under way.
  def reset
    @socket.setsockopt(:SOCKET, :LINGER, [1, 0].pack("ii"))
    close
  end

  def close
    @socket.close
  end

  private

  def piece
    @socket.wait_readable(PATIENCE) or raise "nothing came within #{PATIENCE}s, after #{@received.inspect}"
    @socket.readpartial(64 * 1024)
  end

  def take
    @received.tap { @received = +"".b }
  end
end

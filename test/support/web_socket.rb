# frozen_string_literal: true

require "digest/sha1"

# As much of RFC 6455 as an echo needs, for the app that answers and for the test that asks.
class WebSocket
  GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  TEXT = 0x1
  BINARY = 0x2
  CLOSE = 0x8
  PING = 0x9
  PONG = 0xA

  # The first byte of a frame: FIN and the opcode.
  FINAL = 0x80

  # @param key [String] Sec-WebSocket-Key
  # @return [Hash] what a server answers with 101
  def self.headers(key)
    { "upgrade" => "websocket", "sec-websocket-accept" => [Digest::SHA1.digest(key + GUID)].pack("m0") }
  end

  # @return [String] the same as bytes, for an app that has taken the whole connection
  def self.head(key)
    fields = headers(key).map { |name, value| "#{name}: #{value}\r\n" }
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n#{fields.join}\r\n"
  end

  # Asks for an upgrade as a client.
  #
  # @return [(String, WebSocket)] the head of the response, and what follows it
  def self.open(io, host:, path: "/", fields: {})
    key = [Random.bytes(16)].pack("m0")
    fields = { "Host" => host, "Connection" => "Upgrade", "Upgrade" => "websocket", "Sec-WebSocket-Version" => 13,
               "Sec-WebSocket-Key" => key, **fields }
    io.write("GET #{path} HTTP/1.1\r\n#{fields.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n")
    head = io.gets("\r\n\r\n").to_s
    raise "not accepted: #{head.inspect}" unless head.include?(headers(key)["sec-websocket-accept"])

    [head, new(io, mask: true)]
  end

  # @param io [#read, #write]
  # @param mask [Boolean] as a client must
  def initialize(io, mask: false)
    @io = io
    @mask = mask
  end

  # @return [(Integer, String), nil] first byte and payload of the next frame; nil at the end of the connection
  def receive
    first, length = @io.read(2)&.unpack("CC")
    return if length.nil?

    masked = length.anybits?(0x80)
    length &= 0x7f
    length = @io.read(2).unpack1("n") if length == 126
    length = @io.read(8).unpack1("Q>") if length == 127
    key = @io.read(4) if masked
    payload = length.zero? ? "".b : @io.read(length)
    [first, masked ? apply(key, payload) : payload]
  end

  # @param first [Integer] FINAL and the opcode
  def transmit(first, payload = "".b)
    length = payload.bytesize
    bit = @mask ? 0x80 : 0
    head = case length
           when 0..125 then [first, bit | length].pack("CC")
           when 126..0xffff then [first, bit | 126, length].pack("CCn")
           else [first, bit | 127, length].pack("CCQ>")
           end
    if @mask
      head << (key = Random.bytes(4))
      payload = apply(key, payload)
    end
    @io.write(head + payload.b)
    @io.flush
  end

  # Sends every frame back until one says good-bye. A message in several frames comes back in as many.
  def echo
    while (first, payload = receive)
      opcode = first & 0xf
      transmit(opcode == PING ? FINAL | PONG : first, payload)
      break if opcode == CLOSE
    end
  end

  private

  def apply(key, payload)
    bytes = key.unpack("C4").cycle
    payload.each_byte.map { |byte| byte ^ bytes.next }.pack("C*")
  end
end

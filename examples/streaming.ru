# frozen_string_literal: true

# Responses that go on: server-sent events and a WebSocket that echoes, announced with early hints.
#
#   pitchfork examples/streaming.ru          then open http://127.0.0.1:8080/
#
# Both streams take their connections over (rack.hijack) and go on in a thread, so that the worker is free for the next request.
# A worker has such threads until they end; it is promoted by a fork that leaves them behind, and they end when it is replaced. Browsers
# then connect again: an EventSource by itself, a WebSocket when the page says so.

require "digest/sha1"

PAGE = <<~HTML
  <!DOCTYPE html>
  <meta charset="utf-8"><title>Streams</title><link rel="stylesheet" href="/style.css">
  <h1>The time is <output id="time"></output></h1>
  <form><input id="text" placeholder="Say something"></form><ul id="echoes"></ul>
  <script>
    const at = (id) => document.getElementById(id);
    new EventSource("/time").onmessage = (event) => { at("time").textContent = event.data; };
    const socket = new WebSocket(`ws://${location.host}/echo`);
    socket.onmessage = (event) => at("echoes").append(Object.assign(document.createElement("li"), { textContent: event.data }));
    document.forms[0].onsubmit = () => { socket.send(at("text").value); at("text").value = ""; return false; };
  </script>
HTML

# Messages of up to 64 KiB in one frame each (RFC 6455, section 5).
class Messages
  FINAL_TEXT = 0x81
  FINAL_CLOSE = 0x88

  def self.accept(key)
    [Digest::SHA1.digest("#{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")].pack("m0")
  end

  def initialize(io)
    @io = io
  end

  # @yieldparam text [String] until the client says good-bye, or something that is no such message
  def each
    while (first, text = receive) && first == FINAL_TEXT
      yield text
    end
  ensure
    write("", FINAL_CLOSE)
  end

  # @return [(Integer, String), nil] nil at the end of the connection
  def receive
    first, length = @io.read(2)&.unpack("CC")
    return if length.nil? || (length &= 0x7f) == 127

    length = @io.read(2).unpack1("n") if length == 126
    key = @io.read(4).bytes.cycle
    [first, @io.read(length).to_s.bytes.map { |byte| byte ^ key.next }.pack("C*")]
  end

  def write(text, first = FINAL_TEXT)
    length = text.bytesize
    @io.write((length < 126 ? [first, length].pack("CC") : [first, 126, length].pack("CCn")) + text.b)
  end
end

# The response's rack.hijack: gives the connection to a thread, and closes it in the end.
def in_a_thread
  lambda do |io|
    Thread.new do
      yield io
    rescue SystemCallError, IOError
      nil # the client is gone
    ensure
      io.close
    end
  end
end

TICKING = in_a_thread do |io|
  loop do
    io.write("data: #{Time.now.strftime("%T")}\n\n")
    io.flush
    sleep(1)
  end
end

ECHOING = in_a_thread do |io|
  messages = Messages.new(io)
  messages.each { |text| messages.write(text) }
end

run(lambda do |env|
  key = env["HTTP_SEC_WEBSOCKET_KEY"]
  case env["PATH_INFO"]
  when "/"
    env["rack.early_hints"]&.call("link" => "</style.css>; rel=preload; as=style")
    [200, { "content-type" => "text/html" }, [PAGE]]
  when "/style.css" then [200, { "content-type" => "text/css" }, ["body { font-family: sans-serif; margin: 2em }\n"]]
  when "/time"
    [200, { "content-type" => "text/event-stream", "x-accel-buffering" => "no", "rack.hijack" => TICKING }, []]
  when "/echo"
    next [426, { "content-type" => "text/plain", "upgrade" => "websocket" }, ["A WebSocket, please\n"]] unless key

    [101, { "upgrade" => "websocket", "sec-websocket-accept" => Messages.accept(key), "rack.hijack" => ECHOING }, []]
  else [404, { "content-type" => "text/plain" }, ["not found\n"]]
  end
end)

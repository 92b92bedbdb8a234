# frozen_string_literal: true

require "socket"
require "support/unit_helper"
require "pitchfork/errors"
require "pitchfork/response"

# What a streaming body is given behaves as a Socket does: "a best effort match", as Rack's SPEC has it.
class StreamTest < UnitTest
  # The response's side of a connection.
  class Client
    attr_reader :written, :finished

    def initialize(room: nil)
      @written = +"".b
      @finished = 0
      @room = room
    end

    def write(part)
      @written << part.b[0, @room ? @room - @written.bytesize : part.bytesize]
      @room.nil? || @written.bytesize < @room
    end

    def break_off
      @finished = 0
    end

    def finish
      @finished += 1
      @room && @finished == 1 ? @room - @written.bytesize : 0
    end
  end

  CALLS = {
    "read" => ->(io) { io.read }, "read(0)" => ->(io) { io.read(0) }, "read(2)" => ->(io) { io.read(2) },
    "read(2, buffer)" => ->(io) { (+"").then { |buffer| [io.read(2, buffer).equal?(buffer), buffer] } },
    "write(nil, x)" => ->(io) { io.write(nil, "x") }, "write(é)" => ->(io) { io.write("é") },
    "write(a, :b, 3)" => ->(io) { io.write("a", :b, 3) }, "<<" => ->(io) { (io << "x" << 1).equal?(io) },
    "flush" => ->(io) { io.flush.equal?(io) }, "close_read" => ->(io) { io.close_read },
    "close_write" => ->(io) { io.close_write }, "close" => ->(io) { io.close }, "closed?" => ->(io) { io.closed? }
  }.freeze

  def test_it_answers_what_a_socket_answers
    seed = Random.new_seed
    random = Random.new(seed)
    1000.times do
      client = Client.new
      stream = Pitchfork::Stream.new(client, StringIO.new("request".b))
      socket, peer = UNIXSocket.pair
      peer.write("request")
      peer.close_write
      history = Array.new(random.rand(1..10)) { CALLS.keys.sample(random: random) }
      history.each do |name|
        assert_equal [outcome(socket, name)], [outcome(stream, name)], "seed #{seed}: #{name} in #{history.inspect}"
      end
      socket.close
      assert_equal received(peer), client.written, "seed #{seed}: #{history.inspect}"
    ensure
      peer.close
    end
  end

  # What it raises when it is closed is compared above; here is when the response ends.
  def test_the_end_of_the_response
    {
      ->(_) {} => 1, ->(s) { s.close_write } => 1, ->(s) { s.close } => 1, ->(s) { 2.times { s.close } } => 1,
      ->(s) { s.close_write && s.read && s.close } => 1, ->(s) { s.close_read } => 1,
      # Nobody must take this for a whole response.
      ->(s) { s.close(IOError.new) } => 0, ->(_) { raise "broken" } => 0, ->(s) { s.close_read || raise("broken") } => 0
    }.each.with_index { |(body, times), index| assert_equal times, finished(body), index.to_s }
    assert_equal 0, finished(->(stream) { begin; raise "broken"; ensure; stream.close; end })
    assert_equal 0, finished(->(stream) { begin; raise "broken"; ensure; stream.close_write; end })
  end

  def test_it_ends_when_it_is_closed
    client = Client.new
    Pitchfork::Stream.open(client, nil) do |stream|
      stream << "one"
      stream.close_write
      assert_equal 1, client.finished
    end
  end

  def test_nothing_goes_on_after_the_end
    kept = nil
    Pitchfork::Stream.open(Client.new, StringIO.new("body")) { |stream| kept = stream }
    [->(s) { s.read }, ->(s) { s.write("late") }, ->(s) { s << "late" }, ->(s) { s.flush }].each do |use|
      assert_equal "closed stream", assert_raises(IOError) { use.call(kept) }.message
    end
    assert kept.closed?
  end

  def test_a_request_without_a_body
    stream = Pitchfork::Stream.new(Client.new, nil)
    assert_equal ["", nil, ""], [stream.read, stream.read(1), stream.read(0)]
  end

  def test_the_content_length
    stream = Pitchfork::Stream.new(Client.new(room: 5), nil)
    stream << "four"
    assert_match(/1 bytes shorter than its Content-Length/, assert_raises(Pitchfork::ResponseError) { stream.close }.message)
    assert stream.closed?
    stream = Pitchfork::Stream.new(Client.new(room: 3), nil)
    assert_raises(Pitchfork::ResponseError) { stream << "four" }
  end

  private

  # A socket that is closed with something unread in it says so to its peer; what it has sent is there all the same.
  def received(peer)
    received = +"".b
    begin
      loop { received << peer.readpartial(1000) }
    rescue Errno::ECONNRESET
      retry
    rescue EOFError
      received
    end
  end

  # @return how often the client was told of the end
  def finished(body)
    client = Client.new
    begin
      Pitchfork::Stream.open(client, StringIO.new) { |stream| body.call(stream) }
    rescue RuntimeError => e
      assert_equal "broken", e.message
    end
    client.finished
  end

  # @return what the call answers, or what it raises
  def outcome(stream, name)
    result = CALLS[name].call(stream)
    result.is_a?(String) ? result.b : result
  rescue IOError => e
    # To close half of what is closed is nothing to an IO, and an error to a Socket only.
    name.start_with?("close_") ? nil : e.message
  end
end

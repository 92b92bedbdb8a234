# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/input"
require "pitchfork/rewindable_input"

# Every kind of rack.input answers what a StringIO with the same bytes answers, for random sequences of calls.
class InputDifferentialTest < UnitTest
  # Hands out a body in pieces of random sizes.
  Client = Struct.new(:body, :random) do
    def read_body(most)
      piece = body.read(random.rand(1..[most, 40].min))
      piece&.dup
    end
  end

  SEQUENCES = 1500
  LENGTHS = [0, 1, 2, 3, 7, 20, 64, 300, nil].freeze
  COMMON = {
    "read" => ->(io, _) { io.read },
    "read(n)" => ->(io, n) { io.read(n) },
    "read(n, buffer)" => ->(io, n) { (+"old").then { |buffer| [io.read(n, buffer)&.equal?(buffer), buffer.b] } },
    "read(-1)" => ->(io, _) { io.read(-1) },
    "read(1, frozen)" => ->(io, _) { io.read(1, "frozen") },
    "gets" => ->(io, _) { io.gets },
    "each" => ->(io, _) { [].tap { |lines| io.each { |line| lines << line } } },
    "each.first" => ->(io, _) { io.each.first },
    "each.next, next" => ->(io, _) { io.each.then { |lines| [lines.next, lines.next] } }
  }.freeze
  REWINDABLE = { "rewind" => ->(io, _) { io.rewind }, "size" => ->(io, _) { io.size } }.freeze

  def test_streaming
    compare(COMMON) { |client, _| Pitchfork::Input.new(client) }
  end

  def test_rewindable
    compare(COMMON.merge(REWINDABLE)) { |client, random| Pitchfork::RewindableInput.new(client, random.rand(0..200)) }
  end

  def test_empty
    compare(COMMON.merge(REWINDABLE), bodies: [""]) { Pitchfork::EmptyInput.new }
  end

  # Closed, all raise IOError; one that has no body has nothing to close.
  def test_closed
    inputs = [Pitchfork::Input.new(nil), Pitchfork::RewindableInput.new(nil, 8)]
    inputs.each { |input| 2.times { assert_nil input.close } }
    COMMON.except("read(-1)", "each.first", "each.next, next").each do |name, call|
      inputs.each { |input| assert_equal IOError, outcome(input, call, 0), "#{name} of #{input.class}" }
    end
    REWINDABLE.each { |name, call| assert_equal IOError, outcome(inputs.last, call, 0), name }
  end

  private

  def compare(calls, bodies: nil)
    Random.new_seed.then do |seed|
      random = Random.new(seed)
      SEQUENCES.times do
        body = bodies ? bodies.sample(random: random) : random_body(random)
        history = []
        ours, model = yield(Client.new(StringIO.new(body), random), random), StringIO.new(body.dup)
        random.rand(1..12).times do
          name, length = calls.keys.sample(random: random), LENGTHS.sample(random: random)
          history << "#{name} n=#{length.inspect}"
          expected = outcome(model, calls[name], length)
          assert_equal [expected], [outcome(ours, calls[name], length)], "seed #{seed}: #{body.inspect} #{history.inspect}"
        end
      end
    end
  end

  # @return what the call answers, or the class of what it raises
  def outcome(input, call, length)
    result = call.call(input, length)
    result.equal?(input) ? :itself : result
  rescue IOError, StopIteration, ArgumentError, FrozenError => e
    e.class
  end

  # Some bytes, some line ends, and now and then a long line.
  def random_body(random)
    Array.new(random.rand(0..12)) { random.bytes(random.rand(0..60)) + ["\n", "", "\r\n"].sample(random: random) }.join.b
  end
end

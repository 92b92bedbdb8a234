# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/errors"
require "pitchfork/input"
require "pitchfork/rewindable_input"

# A client that hands out its body in awkward pieces, whatever the most that it is asked for.
class PiecewiseClient
  attr_reader :pieces, :asked

  def initialize(pieces)
    @pieces = pieces.map { |piece| piece.is_a?(String) ? piece.b : piece }
    @asked = []
  end

  def read_body(most)
    @asked << most
    case piece = @pieces.shift
    when nil then nil
    when String
      @pieces.unshift(piece.byteslice(most..)) if piece.bytesize > most
      piece.byteslice(0, most)
    else raise piece
    end
  end
end

# Both kinds of input.
module InputExamples
  def input(*pieces)
    wrap(PiecewiseClient.new(pieces))
  end

  # What an IO would answer is in input_differential_test.rb; this is what Rack asks for besides.
  def test_all_strings_are_binary
    reads = [->(i) { i.read }, ->(i) { i.read(0) }, ->(i) { i.read(1) }, ->(i) { i.gets }, ->(i) { i.each.first }]
    ["\u00e9\n", "\u00e9\n" * 9].each do |body|
      reads.each { |read| assert_equal Encoding::BINARY, read.call(input(body)).encoding }
      [1, 0, nil, 99].each do |length|
        buffer = +"\u00e9"
        assert_same buffer, input(body).read(length, buffer)
        assert_equal Encoding::BINARY, buffer.encoding, length.inspect
      end
    end
  end

  def test_nothing_is_received_before_it_is_asked_for
    client = PiecewiseClient.new(%w[ab cd])
    input = wrap(client)
    assert_equal "", input.read(0)
    assert_empty client.asked
    input.read(1)
    assert_equal %w[cd], client.pieces.last(1)
  end

  # The rest stays with the connection, for who takes that over.
  def test_no_more_is_received_than_asked_for
    client = PiecewiseClient.new(["abcdef"])
    assert_equal "abc", wrap(client).read(3)
    assert_equal %w[def], client.pieces
  end

  def test_a_line_is_there_as_soon_as_it_is_received
    input = input("one\ntw", "o\n", Pitchfork::ClientShutdown.new("gone"))
    assert_equal ["one\n", "two\n"], [input.gets, input.gets]
    assert_raises(Pitchfork::ClientShutdown) { input.gets }
  end

  def test_a_broken_body_raises_again_and_again
    error = Pitchfork::ClientShutdown.new("gone")
    input = input("ab", error, error)
    2.times { assert_raises(Pitchfork::ClientShutdown) { input.read } }
  end

  # As when Timeout ends the wait for the client: what was received is not lost.
  def test_an_interruption
    [:read, :gets].each do |method|
      input = input("ab", Interrupt.new, "cd")
      assert_raises(Interrupt) { input.public_send(method) }
      assert_equal "abcd", input.public_send(method)
    end
  end

  def test_pieces_are_bounded
    client = PiecewiseClient.new(["x" * 1_000_000])
    assert_equal 1_000_000, wrap(client).read(10_000_000).bytesize
    assert_operator client.asked.max, :<=, 64 * 1024
  end

  # A body 128 times as long takes 128 times as long to read, and not the square of it.
  def test_time_is_linear
    { "lines" => ["a\n", ->(i) { i.each(&:itself) }], "one line" => ["ab", ->(i) { i.gets }],
      "small reads" => ["ab", ->(i) { nil while i.read(3) }] }.each do |name, (text, use)|
      small, large = [1_000, 128_000].map { |times| [text * times].then { |body| cpu_time { use.call(input(*body)) } } }
      assert_operator large, :<, [small, 0.001].max * 128 * 5, name
    end
  end

  def cpu_time
    start = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    yield
    Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - start
  end
end

class StreamingInputTest < UnitTest
  include InputExamples

  def wrap(client)
    Pitchfork::Input.new(client)
  end

  def test_it_says_that_it_cannot_be_rewound
    refute_respond_to input("a"), :rewind
  end

  def test_what_was_read_is_not_held
    input = input(*["line\n" * 3 + "half "] * 1000)
    2000.times { input.gets }
    assert_operator input.instance_variable_get(:@pending).bytesize, :<, 100
  end

  # So a large body is copied once, from the socket into the String that the app gets.
  def test_a_piece_is_handed_on_as_it_is
    piece = "x".b * 65_536
    client = Struct.new(:piece) { def read_body(_most) = piece }.new(piece)
    assert_same piece, wrap(client).read(65_536)
  end
end

class RewindableInputTest < UnitTest
  include InputExamples

  MEMORY = 8

  def wrap(client)
    Pitchfork::RewindableInput.new(client, MEMORY)
  end

  def test_rewind_in_the_middle
    input = input("abc", "d\nef", "gh", "ij\nkl")
    assert_equal "ab", input.read(2)
    assert_equal 0, input.rewind
    assert_equal ["abcd\n", "ef"], [input.gets, input.read(2)]
    input.rewind
    assert_equal "abcd\nefghij\nkl", input.read
    input.rewind
    assert_equal "abcd\nefghij\nkl", input.read(99)
    assert_equal 14, input.size
  end

  # IO#gets has arguments, which are of no use when the end is not received.
  def test_gets_with_arguments
    input = input("ab", "c;d", "\n")
    assert_equal ["a", "bc;", "d\n"], [input.gets(1), input.gets(";"), input.gets(nil)]
    assert_equal "ab", input("ab", "\nc").gets(chomp: true)
  end

  def test_a_large_body_is_in_a_file_that_has_no_name
    input = input("1234", "5678", "9")
    input.read(8)
    assert_equal 0, unnamed_files
    assert_equal 9, input.size
    assert_equal 1, unnamed_files
    input.rewind
    assert_equal "123456789".b, input.read
    assert_empty Dir.children(@directory)
    input.close
    assert_equal 0, unnamed_files
  end

  # As on NFS: then the file has a name for a moment.
  def test_a_file_system_without_nameless_files
    input = input("123456789")
    nameless = []
    file = Class.new(File) do
      define_singleton_method(:open) { |*arguments, **| nameless << arguments.first and raise(Errno::EOPNOTSUPP) }
    end
    with_constant(Pitchfork::RewindableInput, :File, file) { assert_equal 9, input.size }
    assert_equal [[@directory], 1, []], [nameless, unnamed_files, Dir.children(@directory)]
    input.close
  end

  # What follows must not be taken for what is lost.
  def test_a_full_disk
    input = input("1234", "56789", "abc")
    input.read(4)
    def input.temporary_file = File.open("/dev/full", "r+b")
    assert_raises(Errno::ENOSPC) { input.read }
    assert_raises(IOError) { input.read }
  end

  def test_close_frees_it
    input = input("a")
    assert_nil input.close
    assert_nil input.close
    assert_empty input.instance_variables.map { |name| input.instance_variable_get(name) }.grep(StringIO)
  end

  # @return [Integer] how many files in the test's directory are open here
  def unnamed_files
    links = Dir.glob("/proc/self/fd/*").map { |link| File.symlink?(link) ? File.readlink(link) : "" }
    links.count { |link| link.start_with?("#{@directory}/") && link.end_with?(" (deleted)") }
  end

  def with_constant(owner, name, value)
    owner.const_set(name, value)
    yield
  ensure
    owner.send(:remove_const, name)
  end

  def before_setup
    super
    ENV["TMPDIR"] = @directory
  end
end

class EmptyInputTest < UnitTest
  def test_one_serves_all
    input = Pitchfork::EmptyInput.new.freeze
    input.read << "changed"
    input.close
    assert_equal ["", nil, 0], [input.read, input.gets, input.size]
  end
end

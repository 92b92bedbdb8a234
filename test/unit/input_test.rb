# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/errors"
require "pitchfork/input"
require "pitchfork/rewindable_input"

# Both kinds of input, over a client that hands out its body in awkward pieces.
module InputExamples
  Body = Struct.new(:pieces) do
    def read_body(_most)
      piece = pieces.shift
      raise piece if piece.is_a?(Exception)

      piece
    end
  end

  def input(*pieces)
    wrap(Body.new(pieces.map { |piece| piece.is_a?(String) ? piece.b : piece }))
  end

  def test_read_takes_all
    input = input("ab", "c\n", "d")
    assert_equal "abc\nd", input.read
    assert_equal "", input.read
  end

  def test_read_takes_so_many_bytes_whatever_the_pieces
    input = input("ab", "cde")
    assert_equal ["", "abc", "de", nil], [input.read(0), input.read(3), input.read(3), input.read(1)]
  end

  def test_read_is_binary
    assert_equal Encoding::BINARY, input("é").read(2).encoding
  end

  def test_read_replaces_the_buffer
    buffer = +"old"
    assert_same buffer, input("abc").read(2, buffer)
    assert_equal "ab", buffer
  end

  def test_read_empties_the_buffer_at_the_end
    buffer = +"old"
    assert_nil input.read(2, buffer)
    assert_equal "", buffer
  end

  def test_gets_and_each_go_by_lines_across_pieces
    input = input("a", "b\nc\nd")
    assert_equal ["ab\n", "c\n", "d", nil], Array.new(4) { input.gets }
    lines = []
    input("a", "b\nc").each { |line| lines << line }
    assert_equal ["ab\n", "c"], lines
  end

  def test_a_broken_body_raises
    input = input("ab", Pitchfork::ClientShutdown.new("gone"))
    assert_raises(Pitchfork::ClientShutdown) { input.read }
  end
end

class StreamingInputTest < UnitTest
  include InputExamples

  def wrap(body)
    Pitchfork::Input.new(body)
  end

  def test_it_says_that_it_cannot_be_rewound
    refute_respond_to input("a"), :rewind
  end

  def test_nothing_is_read_before_it_is_asked_for
    body = InputExamples::Body.new(%w[a b])
    wrap(body).read(1)
    assert_equal %w[b], body.pieces
  end
end

class RewindableInputTest < UnitTest
  include InputExamples

  MEMORY = 8

  def wrap(body)
    Pitchfork::RewindableInput.new(body, MEMORY)
  end

  def test_rewind
    input = input("ab", "cd")
    assert_equal "abcd", input.read
    input.rewind
    assert_equal "abcd", input.read
    assert_equal 4, input.size
  end

  def test_a_large_body_goes_to_a_file_that_has_no_name
    input = input("12345", "67890", "12345")
    assert_equal 15, input.size
    input.read(6)
    input.rewind
    assert_equal "123456789012345", input.read
    open_files = Dir.glob("/proc/self/fd/*").select { |link| File.symlink?(link) }.map { |link| File.readlink(link) }
    assert_equal 1, open_files.grep(/pitchfork-body.*\(deleted\)/).size
    input.close
  end

  def test_close_before_anything_was_read
    assert_nil input("a").close
  end
end

class EmptyInputTest < UnitTest
  def test_it_is_at_its_end
    input = Pitchfork::EmptyInput.new
    buffer = +"old"
    assert_equal ["", "", nil, nil, 0, 0], [input.read, input.read(0), input.read(1), input.gets, input.rewind, input.size]
    assert_nil input.read(3, buffer)
    assert_empty buffer
    input.each { flunk }
  end
end

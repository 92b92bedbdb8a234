# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"

# Each in a process of its own: what is declared there, and closed, concerns the whole process.
class InfoTest < UnitTest
  def run_ruby(code)
    out, err, status = ruby("-rpitchfork", "-e", code)
    assert_equal ["", 0], [err, status]
    out
  end

  def test_outside_of_a_server
    out = run_ruby("Info = Pitchfork::Info; p Info.workers_count, Info.live_workers_count, Info.shutting_down?, Info.fork_safe?")
    assert_equal "0\n0\nfalse\ntrue\n", out
  end

  def test_fork_safety
    assert_equal "false\nfalse\n", run_ruby(<<~RUBY)
      Pitchfork::Info.no_longer_fork_safe!
      p Pitchfork::Info.fork_safe?
      $stdout.flush
      Process.wait(fork { p Pitchfork::Info.fork_safe? })
    RUBY
  end

  def test_close_all_ios_spares_what_is_declared
    assert_equal "[false, false, true, true]\nwritten\n", run_ruby(<<~RUBY)
      kept, also_kept, lost = IO.pipe.first, File.open(IO::NULL), TCPServer.new("127.0.0.1", 0)
      owner = Struct.new(:to_io).new(also_kept)
      Pitchfork::Info.keep_ios([kept, owner])
      other = File.open(IO::NULL)
      Pitchfork::Info.close_all_ios!
      p [kept, also_kept, lost, other].map(&:closed?)
      STDOUT.puts "written"
    RUBY
  end

  def test_close_all_ios_spares_what_the_standard_streams_were_set_to
    write("out")
    run_ruby(<<~RUBY)
      $stdout = File.open("out", "w")
      Pitchfork::Info.close_all_ios!
      puts "still there"
    RUBY
    assert_equal "still there\n", File.read("out")
  end

  def test_close_all_ios_is_not_stopped_by_one_that_cannot_be_closed_well
    assert_equal "[true, true]\n", run_ruby(<<~RUBY)
      reader, writer = IO.pipe
      writer.write("nobody reads it")
      reader.close
      file = File.open(IO::NULL)
      IO.allocate
      Pitchfork::Info.close_all_ios!
      p [writer, file].map(&:closed?)
    RUBY
  end

  def test_a_descriptor_that_belongs_to_somebody_else_stays_open
    assert_equal "true\n", run_ruby(<<~RUBY)
      number = IO.sysopen(IO::NULL)
      borrowed = IO.for_fd(number, autoclose: false)
      Pitchfork::Info.close_all_ios!
      p File.exist?("/proc/self/fd/\#{number}")
    RUBY
  end

  def test_what_is_no_io
    error = assert_raises(ArgumentError) { Pitchfork::Info.keep_io("socket") }
    assert_equal 'expected an IO, got "socket"', error.message
  end

  def test_what_is_kept_is_forgotten_when_it_is_closed
    assert_equal "1\n1\n0\n", run_ruby(<<~RUBY)
      kept = File.open(IO::NULL)
      2.times { Pitchfork::Info.keep_io(kept) }
      p Pitchfork::Info.kept_descriptors.size
      GC.start
      p Pitchfork::Info.kept_descriptors.size
      kept.close
      p Pitchfork::Info.kept_descriptors.size
    RUBY
  end
end

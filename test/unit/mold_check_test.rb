# frozen_string_literal: true

require "support/unit_helper"
require "fcntl"
require "objspace"
require "socket"
require "pitchfork"

class MoldCheckTest < UnitTest
  # As much of a server as the check looks at.
  Server = Struct.new(:configuration, :log, :before_fork) do
    def notify(_name)
      before_fork.call
    end

    def report(what, error)
      log.error("#{what}: #{error.message}")
    end
  end
  Configuration = Struct.new(:spawn_timeout, :mold_sockets, :mold_check) do
    def callback(name)
      mold_check if name == :mold_check
    end
  end
  # What an app may keep its connection in.
  Keeper = Struct.new(:name) { attr_accessor :socket }

  # The check, in a process that has done what the block says, and no threads but those of the block.
  #
  # @return [(Boolean, Array<String>)] whether the mold may go on, and the log
  def in_mold(promoted: true, mold_sockets: :refuse, before_fork: -> {}, mold_check: nil)
    log = StringIO.new
    logger = Logger.new(log, formatter: ->(level, _, _, text) { "#{level} #{text}\n" })
    server = Server.new(Configuration.new(10, mold_sockets, mold_check), logger, before_fork)
    elsewhere do
      yield if block_given?
      good = Pitchfork::MoldCheck.new(server, :mold, promoted: promoted).state_good?
      [good, log.string.lines(chomp: true)]
    end
  end

  def complaints
    elsewhere do
      yield
      Pitchfork::MoldCheck::Sockets.complaints
    end
  end

  # @return what the block answers in a forked process
  def elsewhere
    reader, writer = IO.pipe
    pid = Process.fork do
      writer.write(Marshal.dump(yield))
    rescue Exception => e # rubocop:disable Lint/RescueException
      writer.write(Marshal.dump(e))
    ensure
      writer.close
      exit!(0)
    end
    writer.close
    answer = Marshal.load(reader.read)
    answer.is_a?(Exception) ? raise(answer) : answer
  ensure
    Process.wait(pid)
    reader.close
  end

  def connect
    @listener = TCPServer.new("127.0.0.1", 0)
    @socket = TCPSocket.new("127.0.0.1", @listener.addr[1])
  end

  def sleeping_thread
    thread = Thread.new { sleep }
    Thread.pass until thread.status == "sleep"
  end

  def test_nothing_to_complain_about
    assert_equal([true, []], in_mold)
  end

  def test_a_thread_ends_a_promoted_mold
    good, log = in_mold { sleeping_thread }
    refute good
    thread = /#<Thread:\S+ #{__FILE__}:\d+ sleep\S*>/
    assert_match(/\AERROR mold check failed: #{thread} runs in the mold and .*: start it in after_worker_fork, or end/, log.first)
  end

  def test_a_thread_in_a_boot_mold_is_mentioned
    good, log = in_mold(promoted: false) { sleeping_thread }
    assert good
    assert_match(/\AWARN mold check: #<Thread:/, log.first)
  end

  # Ruby 3.1 has a thread for each call, and no longer than for the call.
  def test_the_thread_of_timeout_is_nobodys_mistake
    assert_equal([true, []], in_mold { Timeout.timeout(10) { nil } })
  end

  def test_a_connection_ends_a_promoted_mold
    good, log = in_mold { connect }
    refute good
    which = /descriptor \d+ is connected to 127\.0\.0\.1:\d+ \(TCPSocket, held by a MoldCheckTest\)/
    remedy = /close it in before_fork or after_mold_fork, declare it with Pitchfork::Info.keep_io, or set mold_sockets :warn/
    assert_match(/\AERROR mold check failed: #{which}, and .*: #{remedy}\z/, log.first)
  end

  def test_a_connection_that_is_only_mentioned
    [{ mold_sockets: :warn }, { promoted: false }].each do |options|
      good, log = in_mold(**options) { connect }
      assert good
      assert_match(/\AWARN mold check: descriptor \d+ is connected to/, log.first)
    end
  end

  def test_a_connection_that_before_fork_closes
    assert_equal([true, []], in_mold(before_fork: -> { @socket.close }) { connect })
  end

  def test_before_fork_is_not_called_without_need
    assert_equal([true, []], in_mold(before_fork: -> { raise "called" }))
  end

  def test_a_connection_that_is_declared
    assert_equal([true, []], in_mold { Pitchfork::Info.keep_io(connect) })
  end

  def test_a_copy_of_a_standard_stream
    copies = []
    found = complaints do
      $stdin.reopen(connect)
      copies << $stdin.dup
    end
    assert_empty found
  end

  def test_who_has_opened_a_connection
    keeper = Keeper.new
    complaint = complaints { ObjectSpace.trace_object_allocations { keeper.socket = connect } }.first
    assert_match(/\(TCPSocket, .*held by a MoldCheckTest::Keeper, .*opened at #{__FILE__}:\d+\)/, complaint)
  end

  def test_a_connection_without_an_object
    found = complaints { connect.fcntl(Fcntl::F_DUPFD, 500) }
    assert_match(/\Adescriptor 500 is connected to 127\.0\.0\.1:\d+ \(opened by native code, which/, found.last)
  end

  def test_what_is_no_connection_of_a_stream
    open = []
    found = complaints { open.push(*UNIXSocket.pair(:SEQPACKET), *UNIXSocket.pair(:DGRAM), TCPServer.new("127.0.0.1", 0), *IO.pipe) }
    assert_empty found
  end

  def test_a_unix_socket_without_a_name
    open = []
    found = complaints { open.push(*UNIXSocket.pair) }
    assert_equal 2, found.size
    assert_match(/is connected to an unnamed UNIX socket \(UNIXSocket\)/, found.first)
  end

  def test_the_mold_check_of_the_configuration
    assert_equal [true, []], in_mold(mold_check: ->(mold) { mold == :mold && nil })
    assert_equal [false, ["ERROR mold check failed: mold_check answered false"]], in_mold(mold_check: ->(_) { false })
    raising = ->(_) { raise "oops" }
    assert_equal [false, ["ERROR mold check failed: mold_check raised: oops"]], in_mold(promoted: false, mold_check: raising)
  end

  def test_all_that_is_wrong_is_said
    _, log = in_mold(mold_check: ->(_) { false }) do
      sleeping_thread
      connect
    end
    assert_equal(["mold_check", "#<Thread", "descriptor"], log.map { |line| line[/failed: (\S+?)[: ]/, 1] })
  end
end

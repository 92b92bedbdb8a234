# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/systemd"

# What systemd hears from the master.
class SystemdNotifierTest < UnitTest
  def setup
    @complaints = []
    @manager = Addrinfo.unix("#{@directory}/notify", :DGRAM).bind
    @notifier = notifier("#{@directory}/notify")
  end

  def teardown
    @manager.close
  end

  def test_ready
    @notifier.ready("serving")

    assert_equal(["READY=1\nSTATUS=serving"], heard)
  end

  def test_reloading_carries_the_time
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
    @notifier.reloading("restarting")
    time = heard.first[/\ARELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=restarting\z/, 1]

    assert_includes(before..Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond), Integer(time))
  end

  def test_stopping_is_said_once
    2.times { @notifier.stopping("stopping on SIGTERM") }

    assert_equal(["STOPPING=1\nSTATUS=stopping on SIGTERM"], heard)
  end

  def test_status_is_one_line
    @notifier.status("two\nlines")

    assert_equal(["STATUS=two lines"], heard)
  end

  def test_watchdog
    @notifier.alive

    assert_equal(["WATCHDOG=1"], heard)
    assert_equal(0.25, notifier("@a", watchdog: 500_000).interval)
    assert_nil(@notifier.interval)
  end

  def test_a_name_in_the_abstract_namespace
    manager = Addrinfo.unix("\0pitchfork-test-#{Process.pid}", :DGRAM).bind
    notifier("@pitchfork-test-#{Process.pid}").alive

    assert_equal("WATCHDOG=1", manager.recv_nonblock(100))
  ensure
    manager.close
  end

  def test_nobody_listens
    notifier(nil).ready("serving")

    assert_empty(@complaints)
  end

  def test_a_manager_that_is_gone_is_no_more_than_a_warning
    unheard = notifier("#{@directory}/nobody")
    2.times { unheard.ready("serving") }
    notifier("@#{"x" * 200}").ready("serving")

    assert_equal(2, @complaints.size)
    assert_match(%r{\Asystemd was not told READY=1 \(NOTIFY_SOCKET #{@directory}/nobody\): No such file or directory}, @complaints[0])
    assert_match(/\Asystemd was not told READY=1 .*: too long unix socket path/, @complaints[1])
  end

  def test_a_manager_that_does_not_listen_is_not_waited_for
    100_000.times { @complaints.empty? && @notifier.alive }

    assert_match(/\Asystemd was not told WATCHDOG=1 /, @complaints.first, "its queue was never full")
    heard
    @notifier.alive
    100_000.times { @complaints.size == 1 && @notifier.alive }

    assert_equal(2, @complaints.size, "said again, for it was heard meanwhile")
  end

  def test_no_descriptor_is_left_to_children
    before = Dir.children("/proc/self/fd").size
    @notifier.ready("serving")

    assert_equal(before, Dir.children("/proc/self/fd").size)
  end

  private

  def notifier(address, **options)
    Pitchfork::Systemd::Notifier.new(address, **options) { |complaint| @complaints << complaint }
  end

  # @return [Array<String>] all that has come so far
  def heard
    messages = []
    while (message = @manager.recv_nonblock(4096, exception: false)).is_a?(String)
      messages << message
    end
    messages
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration/listener_spec"
require "pitchfork/listeners"

class ListenersTest < UnitTest
  def setup
    @listeners = Pitchfork::Listeners.new
    @log = StringIO.new
  end

  def teardown
    @listeners.close
  end

  def bind(*addresses, **options)
    specs = addresses.map { |address| Pitchfork::ListenerSpec.parse(address) }
    @listeners.bind(specs, Logger.new(@log), **options)
  end

  def test_what_is_open_is_used_again
    first = bind("127.0.0.1:0", "unix:a.sock")
    second = bind("unix:a.sock", "unix:b.sock", "127.0.0.1:0")

    assert_equal(first.reverse, second.values_at(0, 2))
    assert_equal("#{@directory}/b.sock", second[1].to_s)
  end

  def test_port_0_in_order
    first, second = bind("127.0.0.1:0", "127.0.0.1:0")

    assert_equal([first, second], bind("127.0.0.1:0", "127.0.0.1:0"))
    assert_equal([second], bind("127.0.0.1:0", prefer: [second]))
    assert_equal([second, first], bind("127.0.0.1:#{second.address.port}", "127.0.0.1:0"))
  end

  def test_nothing_new_stays_open_after_a_failure
    first = bind("127.0.0.1:0")
    File.write("file", "")

    assert_raises(Pitchfork::BindError) { bind("unix:a.sock", "127.0.0.1:0", "unix:file") }
    refute_path_exists("a.sock")
    refute_predicate(first.first.io, :closed?)
    assert_equal(first, bind("127.0.0.1:0"))
  end

  def test_keep_only
    tcp, unix, other = bind("127.0.0.1:0", "unix:a.sock", "unix:b.sock")
    @listeners.keep_only([tcp], [other])

    assert_equal([false, true, false], [tcp, unix, other].map { |listener| listener.io.closed? })
    assert_equal(["b.sock"], Dir.children("."))
  end

  def test_a_file_that_is_gone_is_made_again
    first, = bind("unix:a.sock")
    File.unlink("a.sock")
    second, = bind("unix:a.sock")

    refute_equal(first, second)
    @listeners.keep_only([second])

    assert_path_exists("a.sock")
  end
end

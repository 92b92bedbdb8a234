# frozen_string_literal: true

require "support/hot_restart_case"
require_relative "../../bench/support/load"

# Hot restarts that meet load, reforks and each other. No request is lost to any of them.
#
# The suite runs a bounded version of the first test. The full one is HOT_RESTARTS=50.
class HotRestartRacesTest < HotRestartCase
  SECONDS = 600
  RESTARTS = Integer(ENV.fetch("HOT_RESTARTS", "8"), 10)

  # Waits in each new mold until the test lets it go on.
  SLOW_MOLD = "after_mold_fork { |_, mold| wait_here if mold.generation == 1 }"

  # Both listeners are under load during the block, and each of their requests is answered with 200.
  #
  # @return [Integer] requests
  def under_load(server)
    loads = ["127.0.0.1:#{server.port}", path("server.sock")].map { |target| Bench::Load.start(target, concurrency: 4) }
    yield
    results = loads.map(&:finish)
    loads = nil
    results.each { |result| assert_operator result.requests, :>, 0 }
    results.sum(&:requests)
  ensure
    loads&.each(&:finish)
  end

  def start_both(app, config = "worker_processes 3\n")
    @config = "listen '127.0.0.1:0'\nlisten '#{path("server.sock")}'\n#{config}"
    start(app: app, config: @config)
  end

  def test_one_after_another
    server = start_both(answering("0"))
    before = descriptors(server)
    requests = under_load(server) do
      1.upto(RESTARTS) do |turn|
        deploy(app: answering(turn), config: @config)
        assert_equal turn + 1, hot_restart(server)
        assert_equal turn.to_s, server.get.body
        assert_equal turn.to_s, ask(path("server.sock"))
      end
    end
    assert_equal before, descriptors(server), "descriptors of the master"
    assert_equal ["pitchfork mold (gen:#{RESTARTS})"], server.titles.grep(/mold/)
    assert_clean_stop server
    refute_match(/WARN|ERROR|failed/, server.log)
    puts "#{requests} requests, #{RESTARTS} hot restarts, none lost" if ENV.key?("HOT_RESTARTS")
  end

  # Each says when it boots; signals that come before the master looks are one.
  def test_all_at_once
    server = start_both(answering("0"))
    before = descriptors(server)
    under_load(server) do
      1.upto(10) do |turn|
        deploy(app: "$stderr.puts 'booting code #{turn}'\n#{answering(turn)}", config: @config)
        server.signal(:HUP)
      end
      server.wait_for(/booting code 10/)
      wait_for_restart(server)
      assert_equal "10", server.get.body
      assert_equal "10", ask(path("server.sock"))
    end
    assert_equal before, descriptors(server), "descriptors of the master"
    assert_equal 1, server.titles.grep(/mold/).size
    assert_clean_stop server
    refute_match(/WARN|ERROR/, server.log.gsub(/^E.* superseded by .*$/, ""))
  end

  def test_a_boot_that_hangs_gives_way_to_the_next
    server = start(app: answering("one"))
    deploy(app: "wait_here\n#{answering("stuck")}")
    server.signal(:HUP)
    stuck = Integer(File.read(path("held")), 10)
    deploy(app: answering("two"))
    assert_equal 3, hot_restart(server)
    server.wait_gone(stuck)
    assert_equal "two", server.get.body
    assert_clean_stop server
  end

  def test_during_a_refork
    server = start_both(answering("one"), "worker_processes 2\n#{SLOW_MOLD}\n")
    under_load(server) do
      server.signal(:USR2)
      File.read(path("held"))
      deploy(app: answering("two"), config: "#{@config.sub(SLOW_MOLD, "")}\n")
      server.signal(:HUP)
      release
      wait_for_restart(server)
      assert_equal "two", server.get.body
    end
    assert_equal 1, server.titles.grep(/mold/).size
    assert_clean_stop server
  end

  def test_a_refork_that_is_asked_for_meanwhile
    server = start_both(answering("one"), "worker_processes 2\n")
    under_load(server) do
      deploy(app: answering("two"), config: "#{WAIT}#{@config}#{SLOW_MOLD}\n")
      server.signal(:HUP)
      File.read(path("held"))
      server.signal(:USR2)
      server.wait_for(/refork requested, but/)
      release
      wait_for_restart(server)
      assert_equal "two", server.get.body
    end
    assert_clean_stop server
  end

  def test_during_a_rollout
    server = start(app: HOLD, config: "worker_processes 2")
    busy = hold(server)
    deploy(app: answering("two"))
    server.signal(:HUP)
    server.wait_for(/hot restart: version=2 serves/)
    deploy(app: answering("three"))
    server.signal(:HUP)
    release
    assert_equal "200", busy.value.code
    assert_equal 3, wait_for_restart(server)
    assert_equal "three", server.get.body
    assert_clean_stop server
  end

  def test_the_end_during_a_restart
    server = start(app: answering("one"))
    deploy(app: "wait_here\n#{answering("two")}")
    server.signal(:HUP)
    File.read(path("held"))
    assert_clean_stop server
  end
end

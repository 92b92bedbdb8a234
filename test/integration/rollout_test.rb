# frozen_string_literal: true

require "support/life"

# How a generation takes the place of another.
class RolloutTest < LifeTest
  # Follows the log: how many workers could serve after each line.
  def ready_after_each_line(server, from: 0)
    ready = {}
    server.log.lines.drop(from).map do |line|
      case line
      when /worker=\d+ gen=\d+ pid=(\d+) ready/ then ready[$1] = true
      when /worker=\d+ gen=\d+ pid=(\d+) (retired|died|left|exited)/ then ready.delete($1)
      when /pid=(\d+) promoted: .* in place/ then ready.delete($1)
      end
      ready.size
    end
  end

  def test_nothing_may_be_missing
    server = start(app: HOLD, config: "worker_processes 3\nrefork_max_unavailable 0")
    begin_at = server.log.lines.size
    2.times do |generation|
      server.signal(:USR2)
      assert_equal "by fork", server.wait_for(/promoted: .*(by fork|in place)/)[1]
      server.wait_for(/rollout gen=#{generation + 1} done/)
    end
    counts = ready_after_each_line(server).drop(begin_at)
    assert_equal 3, counts.min
  end

  def test_the_default_misses_one_in_ten
    server = start(app: HOLD, config: "worker_processes 3")
    begin_at = server.log.lines.size
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    counts = ready_after_each_line(server).drop(begin_at)
    assert_equal 2, counts.min, "the promoted worker is missing until it is replaced; the others are replaced first"
  end

  def test_removing_first
    server = start(app: HOLD, config: "worker_processes 4\nrefork_max_unavailable 2")
    begin_at = server.log.lines.size
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    counts = ready_after_each_line(server).drop(begin_at)
    assert_equal [2, 4], counts.minmax, "never more than worker_processes, never more missing than permitted"
  end

  def test_a_busy_worker_is_replaced_at_once_and_retires_when_it_is_done
    server = start(app: HOLD, config: "worker_processes 2")
    busy = hold(server)
    3.times { server.get } # the other one has served more and is promoted
    number = server.tree.find { |node| node.pid == held_by }.title[/\d+/]
    server.signal(:USR2)
    server.wait_for(/worker=#{number} gen=1 pid=\d+ ready/)
    assert server.alive?(held_by)
    release
    assert_equal "200", busy.value.code
    server.wait_for(/worker=#{number} gen=0 pid=#{held_by} retired after 1 requests/)
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop server
  end

  def test_refork_after_thresholds_by_generation
    server = start(app: HOLD, config: "refork_after [5, 10]")
    reforked_after = Array.new(3) do |generation|
      requests = 0
      until server.log.match?(/promoted: mold gen=#{generation + 1} /)
        requests += 1
        server.get
        raise "no refork after #{requests} requests" if requests > 1000
      end
      server.wait_for(/rollout gen=#{generation + 1} done/)
      server.log[/worker=0 gen=#{generation} pid=\d+ retired after (\d+) requests/, 1].to_i
    end
    assert_operator reforked_after[0], :>=, 5
    assert_operator reforked_after[1], :>=, 10
    assert_operator reforked_after[2], :>=, 10, "the last number repeats"
  end

  def test_refork_after_exactly_so_many
    server = start(app: HOLD, config: "refork_after [3]")
    2.times { assert_equal "0", server.get.body.split.last }
    refute_match(/promoted/, server.log)
    server.get
    server.wait_for(/worker=0 gen=0 pid=\d+ promoted: mold gen=1/)
    server.wait_for(/rollout gen=1 done/)
  end

  def test_refork_after_ends_with_false
    server = start(app: HOLD, config: "refork_after [5, false]")
    5.times { server.get }
    server.wait_for(/rollout gen=1 done/)
    30.times { assert_equal "1", server.get.body.split.last }
    refute_match(/gen=2/, server.log)
    server.signal(:USR2)
    server.wait_for(/rollout gen=2 done/)
  end

  def test_a_worker_that_dies_in_a_rollout
    config = <<~RUBY
      worker_processes 3
      after_worker_ready { |_, worker| wait_here if worker.generation == 1 && worker.nr == 1 && !File.exist?("once") }
    RUBY
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    File.read(path("held"))
    write("once", "")
    starting = server.process("pitchfork worker[1] (gen:1)").pid
    server.signal(:KILL, to: starting)
    server.wait_for(/worker=1 gen=1 pid=#{starting} did not become ready: it died of SIGKILL/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal 3, server.titles.grep(/worker\[\d\] \(gen:1\)/).size
    assert_clean_stop server
  end

  def test_ttou_in_a_rollout
    config = "worker_processes 3\nafter_worker_ready { |_, worker| wait_here if worker.generation == 1 && worker.nr == 1 }"
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    File.read(path("held"))
    server.signal(:TTOU)
    server.wait_for(/worker_processes is now 2/)
    release
    server.wait_for(/rollout gen=1 done in \S+: 2 workers/)
    assert_equal ["pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"], server.titles.grep(/worker/)
    assert_clean_stop server
  end

  def test_stopped_in_a_rollout
    config = "worker_processes 3\nafter_worker_ready { |_, worker| wait_here if worker.generation == 1 && worker.nr == 1 }"
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    File.read(path("held"))
    assert_clean_stop server
  end
end

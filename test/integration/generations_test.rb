# frozen_string_literal: true

require "support/life"

# Many generations after one another: nothing may grow.
class GenerationsTest < LifeTest
  GENERATIONS = 20

  APP = <<~'RUBY'
    run ->(env) { [200, {}, ["#{env["pitchfork.worker"].generation} #{caller.size} #{Thread.list.size} #{IO.popen(["true"], &:read)}"]] }
  RUBY

  def titles(server)
    server.titles.map { |title| title.sub(/gen:\d+/, "gen:N") }
  end

  def descriptors(server)
    server.tree.to_h do |node|
      [node.title.sub(/\d+\)/, "N)"), Dir.children("/proc/#{node.pid}/fd").size]
    end
  end

  # A mold closes its copy of a worker's channel when it has forked it, which may be after the worker is ready.
  def assert_no_more_descriptors(before, server, generation)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ServerProcess::PATIENCE
    until (now = descriptors(server)).all? { |title, count| count <= before.fetch(title) }
      flunk "generation #{generation}: #{now} descriptors, #{before} before" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep(0.005)
    end
  end

  def refork(server, generation)
    server.signal(:USR2)
    server.wait_for(/rollout gen=#{generation} done/)
  end

  def grow(config)
    server = start(app: APP, config: config)
    refork(server, 1)
    before = [titles(server), descriptors(server), server.get.body.split.drop(1)]
    (2..GENERATIONS).each do |generation|
      refork(server, generation)
      now = server.get.body.split
      assert_equal generation.to_s, now.first
      assert_equal before[2], now.drop(1), "stack depth and threads in generation #{generation}"
      assert_equal before[0], titles(server)
      assert_no_more_descriptors before[1], server, generation
      assert_equal server.tree.size - 1, server.descendants.size
    end
    assert_clean_stop server
  end

  def test_promoted_in_place
    grow("worker_processes 2\nrefork_max_unavailable 1")
  end

  def test_promoted_by_fork
    grow("worker_processes 2\nrefork_max_unavailable 0")
  end
end

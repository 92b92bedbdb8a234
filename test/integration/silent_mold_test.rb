# frozen_string_literal: true

require "support/life"

# A mold allocates nothing and runs no GC between two forks, so that workers forked hours apart share the same pages.
class SilentMoldTest < LifeTest
  # All that a worker has allocated since the fork is the same for each worker with the same number, so two of them differ
  # in their counts by what the mold has allocated in between.
  CONFIG = <<~'RUBY'
    counts = [0, 0, 0] # made before the fork: asking allocates nothing
    after_worker_fork do |_, worker|
      counts[0] = GC.stat(:total_allocated_objects)
      counts[1] = GC.count
      counts[2] = GC.stat(:total_freed_objects)
      record(:counts, nr: worker.nr, counts: counts) if worker.nr == 1
    end
  RUBY

  def respawn(server, times)
    times.times do
      server.signal(:TTOU)
      server.wait_for(/worker=1 gen=\d+ pid=\d+ retired/)
      server.signal(:TTIN)
      server.wait_for(/worker=1 gen=\d+ pid=\d+ ready/)
    end
  end

  def assert_silent(config = "", generation: 0, warmup: 2)
    server = start(app: HOLD, config: "#{RECORD}worker_processes 2\n#{CONFIG}#{config}")
    if generation.positive?
      server.signal(:USR2)
      server.wait_for(/rollout gen=#{generation} done/)
    end
    already = recorded(:counts).size
    respawn(server, 6)
    counts = recorded(:counts).drop(already).map { |line| line[:counts] }
    assert_equal 6, counts.size
    assert_equal 1, counts.drop(warmup - 1).uniq.size, "allocated, GC runs, freed: #{counts}"
    assert_clean_stop server
  end

  def test_a_boot_mold
    assert_silent
  end

  def test_a_promoted_mold
    assert_silent("refork_max_unavailable 1", generation: 1)
  end

  def test_a_mold_with_a_before_fork_callback_that_allocates_nothing
    assert_silent("before_fork { nil }")
  end

  def test_the_gc_is_off_in_the_mold_and_on_in_its_workers
    config = "before_fork { record(:mold, off: GC.disable) }\nafter_worker_fork { record(:worker, off: GC.enable) }"
    server = start(app: HOLD, config: "#{RECORD}promotion :in_place\n#{config}")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    off = %i[mold worker].map { |role| recorded(role).map { |line| line[:off] } }
    assert_equal [[true, true], [false, false]], off
  end

  def test_the_measure_itself
    server = start(app: HOLD, config: "#{RECORD}worker_processes 2\n#{CONFIG}before_fork { Object.new }")
    respawn(server, 3)
    allocated = recorded(:counts).last(2).map { |line| line[:counts].first }
    assert_equal 1, allocated[1] - allocated[0]
  end
end

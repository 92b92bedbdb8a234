# frozen_string_literal: true

require "support/cow_examples"
require "support/unit_helper"

class CowSnapshotTest < UnitTest
  include CowExamples

  def test_sums
    snapshot = snapshot(worker(0, private: 20), worker(1, private: 30, swap: 2), worker(2, generation: 2, private: 40))
    assert_equal [110 * MIB, 2 * MIB], [snapshot.total(:private), snapshot.total(:swap)]
    assert_equal 30 * MIB, snapshot.per_worker(:private)
    generations = snapshot.generations.map { |it| [it.number, it.workers.size, snapshot.per_worker(:private, it.workers)] }
    assert_equal [[1, 2, 25 * MIB], [2, 1, 40 * MIB]], generations
  end

  def test_regions
    snapshot = snapshot(worker(0, regions: account(malloc: [1, 2])), worker(1, regions: account(malloc: [3, 4], jit: [0, 5])), worker(2))
    assert_equal({ private: 10 * MIB, unshared: 4 * MIB, fresh: 6 * MIB, shared: 20 * MIB, swap: 0 }, snapshot.regions[:malloc])
    assert_equal 3 * MIB, snapshot.region(:malloc, :fresh), "the mean of those that could be accounted"
    assert_equal 0, snapshot.region(:weather, :fresh)
  end

  def test_what_can_be_told_apart
    blind = account.transform_values { |sizes| sizes.merge(unshared: nil, fresh: nil) }
    assert snapshot(worker(0, regions: account)).told_apart?
    one_blind = snapshot(worker(0, regions: account), worker(1, regions: blind))
    refute one_blind.told_apart?
    assert_nil one_blind.regions.dig(:malloc, :fresh)
    refute snapshot(worker(0)).told_apart?
    refute snapshot.told_apart?
  end

  def test_a_worker_that_is_starting_is_none_yet
    starting = member("pitchfork worker[1] (gen:1) - starting")
    retiring = member("pitchfork worker[2] (gen:1) - retiring")
    assert_equal [retiring], snapshot(starting, retiring).workers
  end

  def test_a_server_without_workers
    assert_equal [[], 0, {}, 0], [snapshot.generations, snapshot.per_worker(:private), snapshot.regions, snapshot.region(:malloc, :fresh)]
  end
end

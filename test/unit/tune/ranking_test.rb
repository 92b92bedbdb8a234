# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/tune/measurement"
require "pitchfork/tune/ranking"

class TuneRankingTest < UnitTest
  Tune = Pitchfork::Tune
  JEMALLOC = Tune::Candidate.new(allocator: :jemalloc)
  BOTH = JEMALLOC.with(:yjit, true)

  def run_of(candidate, pss, rate, **others)
    figures = { pss: pss, private: pss / 10.0, mold: 1.0, rate: rate, p50: 1.0, p99: 2.0, cpu: 1.0, statuses: {}, seconds: 1.0 }
    Tune::Run.new(candidate, Tune::Measurement.new(**figures, **others))
  end

  def ranking(*runs, goal: :balance)
    Tune::Ranking.new(runs, goal: goal)
  end

  def runs(candidate, pss, rate, count: 4)
    Array.new(count) { |n| run_of(candidate, pss + (n.even? ? 0.2 : -0.2), rate + (n.even? ? 2 : -2)) }
  end

  def test_the_least_memory_comes_first
    ranking = ranking(*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(JEMALLOC, 300.0, 1000.0), *runs(BOTH, 350.0, 1200.0))
    assert_equal [JEMALLOC, BOTH, Tune::Candidate.new], ranking.entries.map(&:candidate)
    assert_in_delta(-0.25, ranking.difference(ranking.best, :pss), 0.001)
    assert ranking.certain?(ranking.best, :pss)
    refute ranking.certain?(ranking.best, :rate)
  end

  def test_what_is_slower_by_more_than_the_noise_comes_last
    slow = ranking(*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(JEMALLOC, 300.0, 800.0))
    assert_predicate slow.best.candidate, :baseline?
    assert slow.slow?(slow.entries.last)
    noisy = ranking(*[600.0, 1000.0, 1400.0].map { |rate| run_of(Tune::Candidate.new, 400.0, rate) },
                    *[500.0, 800.0, 1100.0].map { |rate| run_of(JEMALLOC, 300.0, rate) })
    assert_equal JEMALLOC, noisy.best.candidate
  end

  # One trial, in which another program had the processors.
  def test_a_slow_trial_whose_workers_did_not_work_more_is_not_held_against_it
    base = runs(Tune::Candidate.new, 400.0, 1000.0)
    assert_equal JEMALLOC, ranking(*base, run_of(JEMALLOC, 300.0, 500.0, cpu: 1.0)).best.candidate
    assert_predicate ranking(*base, run_of(JEMALLOC, 300.0, 500.0, cpu: 2.0)).best.candidate, :baseline?
  end

  def test_goals
    all = [*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(JEMALLOC, 300.0, 800.0), *runs(BOTH, 500.0, 1500.0)]
    best = Tune::Ranking::GOALS.to_h { |goal| [goal, ranking(*all, goal: goal).best.candidate] }
    assert_equal({ balance: Tune::Candidate.new, memory: JEMALLOC, throughput: BOTH }, best)
  end

  def test_of_equals_the_one_that_changes_least
    ranking = ranking(*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(BOTH, 300.0, 1000.0), *runs(JEMALLOC, 300.5, 1000.0))
    assert_equal BOTH, ranking.entries.first.candidate
    assert_equal JEMALLOC, ranking.best.candidate
  end

  def test_of_equal_throughput_the_least_memory
    ranking = ranking(*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(BOTH, 300.0, 1000.0), *runs(JEMALLOC, 350.0, 1001.0),
                      goal: :throughput)
    assert_equal BOTH, ranking.best.candidate
  end

  def test_failures_are_no_entries_even_if_they_went_well_once
    failed = Tune::Run.new(JEMALLOC, Tune::Measurement.new(failure: "it crashed"))
    ranking = ranking(*runs(Tune::Candidate.new, 400.0, 1000.0), *runs(JEMALLOC, 300.0, 1000.0, count: 1), failed)
    assert_equal [Tune::Candidate.new], ranking.entries.map(&:candidate)
    assert_equal({ JEMALLOC => "it crashed" }, ranking.failures)
  end

  # Two figures that are the same by chance say nothing about noise.
  def test_noise
    assert_in_delta 0.08, Tune::Noise.new([]).share(:rate), 1e-9
    same = run_of(Tune::Candidate.new, 400.0, 1000.0)
    equal = ranking(same, same)
    assert_in_delta 0.08 * Math.sqrt(2.0 / 3), equal.noise.share(:rate), 1e-9
    others = [900.0, 1100.0].map { |rate| run_of(Tune::Candidate.new, 400.0, rate) }
    many = ranking(*(others * 20))
    assert_in_delta 0.1, many.noise.share(:rate), 0.005
    assert_operator many.noise.of_difference(:rate, [4, 4]), :<, many.noise.of_difference(:rate, [1, 4])
  end

  def test_nothing_was_measured
    assert_nil ranking.best
    assert_nil ranking.baseline
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/tune/measurement"
require "pitchfork/tune/search"

# The search on apps that exist only as formulas, with noise that is the same in every run of this test.
class TuneSearchTest < UnitTest
  Tune = Pitchfork::Tune
  SPACE = {
    refork_after: [[100], [10, 100]], yjit: [{ call_threshold: 5 }, true, false], allocator: [:jemalloc],
    gc: [{ free_slots: [0.05, 0.1, 0.15] }, { free_slots: [0.1, 0.2, 0.3] }], out_of_band_gc: [true], malloc_arena_max: [2]
  }.freeze

  # An app: what each setting changes, as factors of [memory, throughput]; `pairs` are settings that matter together.
  class Landscape
    def initialize(effects, pairs: {}, noise: 0.02, seed: 1)
      @effects = effects
      @pairs = pairs
      @noise = noise
      @random = Random.new(seed)
    end

    def truth(candidate)
      factors = @effects.select { |(name, value), _| candidate[name] == value }.values
      factors += @pairs.select { |settings, _| settings.all? { |name, value| candidate[name] == value } }.values
      factors.reduce([400.0, 1000.0]) { |(pss, rate), (memory, speed)| [pss * memory, rate * speed] }
    end

    def measure(candidate)
      pss, rate = truth(candidate)
      Tune::Measurement.new(pss: pss * jitter(0.005), private: pss / 10 * jitter(0.01), mold: 1.0, rate: rate * jitter(@noise),
                            p50: 1.0, p99: 2.0, cpu: 1000 / rate * jitter(0.02), reforks: 0, statuses: {}, seconds: 1.0)
    end

    private

    # Normal, by the sum of twelve (Irwin-Hall).
    def jitter(share)
      1 + (share * (Array.new(12) { @random.rand }.sum - 6))
    end
  end

  HELPFUL = {
    [:refork_after, [100]] => [0.5, 1.0], [:refork_after, [10, 100]] => [0.52, 1.0], [:yjit, { call_threshold: 5 }] => [0.7, 1.1],
    [:yjit, false] => [0.6, 0.7], [:allocator, :jemalloc] => [0.9, 1.0], [:gc, { free_slots: [0.05, 0.1, 0.15] }] => [1.1, 0.97],
    [:gc, { free_slots: [0.1, 0.2, 0.3] }] => [0.95, 1.0], [:out_of_band_gc, true] => [1.03, 1.0], [:malloc_arena_max, 2] => [1.0, 1.0]
  }.freeze

  def tune(landscape, trials, goal: :balance, presets: [], runs: [])
    search = Tune::Search.new(SPACE, presets: presets, goal: goal)
    while (candidate = search.next(runs, trials_left: trials - runs.size))
      runs << Tune::Run.new(candidate, landscape.measure(candidate))
    end
    [Tune::Ranking.new(runs, goal: goal), runs]
  end

  def test_finds_the_best_within_the_budget
    expected = Tune::Candidate.new(refork_after: [100], yjit: { call_threshold: 5 }, allocator: :jemalloc,
                                   gc: { free_slots: [0.1, 0.2, 0.3] })
    8.times do |seed|
      landscape = Landscape.new(HELPFUL, seed: seed)
      ranking, runs = tune(landscape, 30)
      found = landscape.truth(ranking.best.candidate).first
      assert_operator found, :<=, landscape.truth(expected).first * 1.03, "seed #{seed}: #{ranking.best.candidate}"
      assert_operator runs.size, :<=, 30
    end
  end

  def test_a_slower_one_is_not_recommended_however_small_it_is
    ranking, = tune(Landscape.new({ [:yjit, false] => [0.3, 0.6] }), 30)
    refute_equal false, ranking.best.candidate[:yjit]
    smallest, = tune(Landscape.new({ [:yjit, false] => [0.3, 0.6] }), 30, goal: :memory)
    assert_equal false, smallest.best.candidate[:yjit]
  end

  def test_throughput_can_be_asked_for
    ranking, = tune(Landscape.new({ [:yjit, true] => [1.5, 1.5], [:allocator, :jemalloc] => [0.8, 1.0] }), 30, goal: :throughput)
    assert_equal [true, :jemalloc], ranking.best.candidate.settings.values_at(:yjit, :allocator)
  end

  def test_where_nothing_helps_nothing_is_recommended
    5.times do |seed|
      ranking, = tune(Landscape.new({}, seed: seed), 30)
      assert_predicate ranking.best.candidate, :baseline?, ranking.best.candidate.to_s
    end
  end

  # Neither helps alone, so that no walk from the baseline finds it.
  def test_presets_find_what_helps_only_together
    pair = { { refork_after: [100], yjit: { call_threshold: 5 } } => [0.4, 1.0] }
    worse = { [:refork_after, [100]] => [1.05, 1.0], [:yjit, { call_threshold: 5 }] => [1.05, 1.0] }
    preset = Tune::Candidate.new(refork_after: [100], yjit: { call_threshold: 5 }, allocator: :jemalloc)
    ranking, = tune(Landscape.new(worse, pairs: pair), 30, presets: [preset])
    assert_equal [[100], { call_threshold: 5 }], ranking.best.candidate.settings.values_at(:refork_after, :yjit)
    assert_nil ranking.best.candidate[:allocator], "it changes nothing here, so it should be taken away"
  end

  def test_the_baseline_comes_first_and_again_in_between
    _, runs = tune(Landscape.new(HELPFUL), 30)
    assert_predicate runs.first.candidate, :baseline?
    apart = runs.each_index.select { |at| runs[at].candidate.baseline? }.each_cons(2).map { |one, other| other - one }
    assert_operator apart.max, :<=, 6
  end

  def test_the_finalists_are_repeated_in_turn
    ranking, runs = tune(Landscape.new(HELPFUL), 30)
    [ranking.baseline, *ranking.entries.first(2)].each { |entry| assert_operator entry.count, :>=, 3, entry.candidate.to_s }
    assert_includes runs.last(8).map(&:candidate), Tune::Candidate.new
  end

  def test_few_trials_are_enough_for_an_answer
    ranking, = tune(Landscape.new(HELPFUL), 7)
    assert_operator ranking.difference(ranking.best, :pss), :<, -0.3
  end

  def test_it_ends_when_nothing_is_left_to_be_learned
    _, runs = tune(Landscape.new({}), 10_000)
    assert_operator runs.size, :<, 60
  end

  def test_it_goes_on_as_if_it_had_not_been_interrupted
    _, whole = tune(Landscape.new(HELPFUL), 25)
    search = Tune::Search.new(SPACE)
    whole.each_index do |at|
      assert_equal whole[at].candidate, search.next(whole.take(at), trials_left: 25 - at)
    end
  end

  def test_what_is_not_sensible_is_not_tried
    search = Tune::Search.new(SPACE, sensible: ->(candidate) { !candidate[:gc] || !candidate[:allocator] })
    landscape = Landscape.new(HELPFUL)
    runs = []
    while (candidate = search.next(runs, trials_left: 40 - runs.size))
      runs << Tune::Run.new(candidate, landscape.measure(candidate))
    end
    tried = runs.map(&:candidate)
    assert_empty(tried.select { |one| one[:gc] && one[:allocator] })
    refute_empty(tried.select { |one| one[:allocator] })
  end

  def test_failures_are_not_tried_again
    failing = ->(candidate) { candidate[:allocator] == :jemalloc }
    landscape = Landscape.new(HELPFUL)
    landscape.define_singleton_method(:measure) do |candidate|
      failing.call(candidate) ? Tune::Measurement.new(failure: "it crashes", seconds: 1.0) : super(candidate)
    end
    ranking, runs = tune(landscape, 30)
    assert_nil ranking.best.candidate[:allocator]
    assert_equal ranking.failures.keys, ranking.failures.keys.uniq
    assert_operator runs.count { |run| run.measurement.failed? }, :<=, 2
  end
end

# frozen_string_literal: true

require "json"
require "support/unit_helper"
require "pitchfork/configurator"
require "pitchfork/tune/candidates"
require "pitchfork/tune/plan"

class TuneCandidateTest < UnitTest
  Tune = Pitchfork::Tune

  # A machine on which everything can be tried.
  Facts = Struct.new(:ruby, :jemalloc, :yjit, :on, :fixed, :already, :own, keyword_init: true) do
    def ruby_at_least?(version)
      Gem::Version.new(ruby || "3.3.8") >= Gem::Version.new(version)
    end

    def jemalloc? = jemalloc != false
    def yjit? = yjit != false
    def yjit_on? = on || false
    def free_to_set?(name) = !Array(fixed).include?(name)
    def completed(name, value) = value.is_a?(Hash) ? own.to_h.fetch(name, {}).merge(value) : value
    def set_already?(name, value) = Array(already).include?([name, value])
  end

  ALL = { refork_after: [50, 100, 1000], yjit: { call_threshold: 5 }, allocator: :jemalloc, gc: { free_slots: [0.05, 0.1, 0.15] } }.freeze

  def space(plan: Tune::Plan.new(workers: 4, period: 1000), only: nil, **facts)
    Tune::Candidates.new(Facts.new(**facts), plan, only: only).space
  end

  def test_lines_to_paste
    assert_equal ["allocator :jemalloc", "gc free_slots: [0.05, 0.1, 0.15]", "refork_after [50, 100, 1000]", "yjit call_threshold: 5"],
                 Tune::Candidate.new(ALL).lines
    assert_equal "as it is", Tune::Candidate.new.to_s
  end

  # Whatever is recommended, this version takes.
  def test_the_lines_are_what_the_configuration_understands
    candidates = Tune::Candidates.new(Facts.new(on: true, ruby: RUBY_VERSION), Tune::Plan.new(workers: 4, period: 1000))
    every = candidates.space.flat_map { |name, values| values.map { |value| Tune::Candidate.new(name => value) } } + candidates.presets
    every.each do |candidate|
      values = Pitchfork::Configurator.new.evaluate(candidate.lines.join("\n"), "candidate.rb").values
      assert_empty candidate.settings.keys - values.keys, candidate.to_s
    end
    refute_empty every
  end

  def test_json_and_back
    candidate = Tune::Candidate.new(ALL)
    assert_equal candidate, Tune::Candidate.from(JSON.parse(JSON.generate(candidate.to_h)))
  end

  def test_the_same_settings_are_the_same_candidate
    one = Tune::Candidate.new(allocator: :jemalloc, yjit: true)
    assert_equal one, Tune::Candidate.new(yjit: true).with(:allocator, :jemalloc)
    assert_equal Tune::Candidate.new, one.with(:allocator, nil).with(:yjit, nil)
    assert_equal 1, [one, Tune::Candidate.new(yjit: true, allocator: :jemalloc, gc: nil)].uniq.size
  end

  def test_only_what_has_an_effect_is_tried
    assert_equal [true, { call_threshold: 5, exec_mem_size: 128 }], space(ruby: "3.1.2")[:yjit]
    refute_includes space(ruby: "3.1.2"), :yjit_until_promotion
    refute_includes space(yjit: false), :yjit
    refute_includes space(jemalloc: false), :allocator
    refute_includes space(fixed: [:gc]), :gc
    assert_equal [true, false], [space[:yjit].first, space(on: true)[:yjit].first]
    assert_equal [{ free_slots: [0.1, 0.2, 0.3] }], space(already: [[:gc, { free_slots: [0.05, 0.1, 0.15] }]])[:gc]
    assert_equal %i[allocator gc], space(only: %i[gc allocator]).keys.sort
  end

  def test_what_is_tried_keeps_the_users_keywords
    own = { gc: { growth_factor: 1.1 }, yjit: { exec_mem_size: 64 } }
    ratios = [[0.05, 0.1, 0.15], [0.1, 0.2, 0.3]]
    assert_equal(ratios.map { |free| { growth_factor: 1.1, free_slots: free } }, space(own: own)[:gc])
    assert_equal [true, { exec_mem_size: 128, call_threshold: 5 }], space(own: own, ruby: "3.1.2")[:yjit]
  end

  def test_presets_are_made_of_what_there_is
    presets = Tune::Candidates.new(Facts.new(jemalloc: false), Tune::Plan.new(workers: 4, period: 1000)).presets
    assert_equal [%i[gc refork_after]], presets.map(&:settings).map(&:keys)
    assert_empty Tune::Candidates.new(Facts.new, Tune::Plan.new(workers: 4, period: 1000), only: [:gc]).presets
  end

  def test_settings_that_exclude_each_other
    candidates = Tune::Candidates.new(Facts.new, Tune::Plan.new(workers: 4, period: 1000))
    refute candidates.sensible?(Tune::Candidate.new(allocator: :jemalloc, malloc_arena_max: 2))
    refute candidates.sensible?(Tune::Candidate.new(yjit: false, yjit_until_promotion: :first_worker))
    assert candidates.sensible?(Tune::Candidate.new(allocator: :jemalloc, yjit_until_promotion: :first_worker))
  end

  def test_plan
    plan = Tune::Plan.for(rate: 1234.0, seconds: 12.0, workers: 4)
    assert_equal [950, 11_400, 3800], [plan.period, plan.warmup, plan.measured]
    assert_equal Tune::Plan::MOST, Tune::Plan.for(rate: 1e6, seconds: 10.0, workers: 2).period
    assert_equal Tune::Plan::LEAST, Tune::Plan.for(rate: 0.1, seconds: 10.0, workers: 2).period
    assert_equal [7, 12, 250, 950, 1300], [6.7, 12.3, 251, 934, 1310].map(&Tune::Plan.method(:round))
  end

  def test_points_of_reforks
    plan = Tune::Plan.new(workers: 4, period: 1000)
    assert_equal [4000, 8000, 12_000], plan.reforks([1000])
    assert_equal [200, 600, 4600, 8600], plan.reforks([50, 100, 1000])
    assert_equal [200], plan.reforks([50, false])
    assert_equal [], plan.reforks([5000])
    assert_equal [], plan.reforks(nil)
    assert_equal [], plan.reforks([false])
  end
end

# frozen_string_literal: true

require "support/cow_examples"
require "support/unit_helper"
require "support/xml"
require "pitchfork/cow/json"
require "pitchfork/cow/page"
require "pitchfork/cow/refork"
require "pitchfork/cow/sharing_chart"
require "pitchfork/cow/watch"

class CowWatchTest < UnitTest
  include CowExamples

  # Time goes by while it sleeps and while it reads, and nobody waits.
  class Clock
    attr_accessor :now, :interrupted_at

    def initialize
      @now = 100.0
    end

    def sleep(seconds)
      @now = [@now + [seconds, 0].max, interrupted_at].compact.min
      @now == interrupted_at
    end
  end

  # Answers a snapshot after the other; an exception is raised.
  Reader = Struct.new(:clock, :answers, :takes) do
    def sums
      clock.now += takes
      answer = answers.size > 1 ? answers.shift : answers.first
      answer.is_a?(Exception) ? raise(answer) : answer
    end
  end

  def watch(*answers, takes: 0.5, interrupted_at: nil, **options)
    clock = Clock.new
    clock.interrupted_at = interrupted_at && (100.0 + interrupted_at)
    Pitchfork::Cow::Watch.new(Reader.new(clock, answers, takes), clock, clock: -> { clock.now }, **options)
  end

  # Two workers of each of these generations, with so many private MiB.
  def seen(generations)
    snapshot(*generations.flat_map { |number, mib| Array.new(2) { |n| worker(n, generation: number, private: mib) } })
  end

  def samples(*all)
    all.each_with_index.map { |generations, at| Pitchfork::Cow::Sample.of(seen(generations), at * 5.0) }
  end

  def test_every_five_seconds_until_the_time_is_up
    assert_equal [0.0, 5.0, 10.0, 15.0], watch(seen(1 => 9), every: 5, seconds: 15).run.map(&:at)
  end

  def test_reading_that_takes_longer
    assert_equal [0.0, 10.0, 20.0], watch(seen(1 => 9), takes: 7, every: 5, seconds: 24).run.map(&:at)
  end

  # Once, however many come late; and not of those that are in time.
  def test_reading_that_takes_longer_is_told
    told = []
    [7, 0.5].each { |takes| watch(seen(1 => 9), takes: takes, every: 5, seconds: 24, slow: ->(took) { told << took }).run }
    assert_equal [7.0], told
  end

  def test_until_it_is_interrupted
    watch = watch(seen(1 => 9), every: 5, interrupted_at: 12)
    assert_equal [0.0, 5.0, 10.0, 12.0], watch.run.map(&:at)
    assert_nil watch.failure
  end

  def test_what_was_seen_of_a_server_that_ends
    watch = watch(seen(1 => 9), seen(1 => 10), Errno::ESRCH.new, every: 5)
    begun = []
    assert_equal 2, watch.run { begun << watch.samples.size }.size
    assert_equal [1], begun
    assert_equal "the server has ended", watch.failure
  end

  def test_what_was_seen_before_it_became_another_users
    watch = watch(seen(1 => 9), Pitchfork::ConfigurationError.new("no longer"), every: 5)
    assert_equal [1, "no longer"], [watch.run.size, watch.failure]
  end

  def test_nothing_was_seen
    assert_raises(Errno::ESRCH) { watch(Errno::ESRCH.new, every: 5).run }
  end

  def test_samples
    sample = Pitchfork::Cow::Sample.of(seen(1 => 10, 2 => 20), 3.0)
    assert_equal [3.0, 4, 15 * MIB], [sample.at, sample.workers, sample.private_per_worker]
    assert_equal({ 1 => { workers: 2, private: 10 * MIB }, 2 => { workers: 2, private: 20 * MIB } }, sample.generations)
  end

  def test_reforks
    all = samples({ 0 => 30 }, { 0 => 40 }, { 0 => 44, 1 => 5 }, { 1 => 8 }, { 1 => 10 }, { 2 => 4 }, { 2 => 5, 3 => 1 })
    reforks = Pitchfork::Cow::Refork.all(all)
    seen = reforks.map { |it| [it.generation, it.at, it.before / MIB, it.done, it.after && (it.after / MIB)] }
    assert_equal [[1, 10.0, 40, 15.0, 8], [2, 25.0, 10, 25.0, 4], [3, 30.0, 4, nil, nil]], seen
    assert_equal [32 * MIB, 6 * MIB, nil], reforks.map(&:won)
  end

  # While a rollout begins, the promoted worker is missing; while it is read, all that was there may have gone.
  def test_a_refork_that_is_seen_half_way
    one = Pitchfork::Cow::Sample.of(snapshot(worker(1, generation: 0, private: 7)), 5.0)
    whole = samples({ 0 => 30 }, {}, {}, { 1 => 8 })
    [[whole[0], one, whole[3]], [whole[0], whole[1], whole[3]], [whole[0], one, whole[2], whole[3]]].each do |seen|
      reforks = Pitchfork::Cow::Refork.all(seen)
      assert_equal([[1, 15.0, 30 * MIB, 22 * MIB]], reforks.map { |it| [it.generation, it.at, it.before, it.won] })
    end
  end

  # All workers gone for a moment (WINCH) and back from the same mold.
  def test_no_refork
    assert_empty Pitchfork::Cow::Refork.all(samples({ 1 => 30 }, {}, { 1 => 5 }))
    assert_empty Pitchfork::Cow::Refork.all(samples({ 1 => 30 }))
  end

  def test_the_picture
    svg = Pitchfork::Cow::SharingChart.new(samples({ 0 => 30 }, { 0 => 40 }, { 1 => 8 }, { 1 => 10 })).to_svg
    texts = Xml.all(svg, "text").map(&:text)
    assert_equal 1, texts.grep(/\A2 workers, seen every 5 s; /).size, texts
    assert_includes texts, "gen:1 -32 MiB"
    assert_equal 3, (texts & ["gen:0", "gen:1", "all processes"]).size
    assert_equal 3, Xml.all(svg, "polyline").size
  end

  def test_the_picture_of_a_week
    all = Array.new(50_000) do |n|
      Pitchfork::Cow::Sample.new(n * 5.0, n * 4096, { n / 10_000 => { workers: 2, private: n % 10_000 * 4096 } })
    end
    svg = Pitchfork::Cow::SharingChart.new(all).to_svg
    assert_operator svg.bytesize, :<, 100_000
    assert_equal 6, Xml.all(svg, "polyline").size
  end

  def test_the_picture_of_a_moment_and_of_nobody
    [[{ 0 => 30 }], [{}], [{}, {}]].each { |all| Xml.elements(Pitchfork::Cow::SharingChart.new(samples(*all)).to_svg) }
  end

  # Samples come when they can, whatever was asked for.
  def test_the_picture_says_how_often_it_was
    { [0.0, 2.0, 7.0] => "2 workers, seen every 3.5 s;", [0.0, 0.25] => "2 workers, seen every 0.25 s;", [0.0] => "2 workers, seen once;" }
      .each do |times, note|
      all = times.map { |at| Pitchfork::Cow::Sample.of(seen(1 => 9), at) }
      assert_includes Pitchfork::Cow::SharingChart.new(all).to_svg, note
    end
    one = Pitchfork::Cow::Sample.of(snapshot(worker(0)), 0.0)
    assert_includes Pitchfork::Cow::SharingChart.new([one]).to_svg, "1 worker, seen"
  end

  def test_the_summary
    assert_equal "x.svg: 1 sample in 0 s, 0 reforks", Pitchfork::Cow::Page.summary(samples({ 0 => 30 }), "x.svg")
    assert_match(/ 3 samples in 10 s, 1 refork$/, Pitchfork::Cow::Page.summary(samples({ 0 => 30 }, { 0 => 40 }, { 1 => 8 }), "x.svg"))
    assert_equal <<~TEXT.chomp, Pitchfork::Cow::Page.summary(samples({ 0 => 30 }, { 0 => 40 }, { 1 => 8 }, { 1 => 8, 2 => 1 }), "x.svg")
      x.svg: 4 samples in 15 s, 2 reforks

      MiB private per worker    at  before  after  won back
      refork to gen:1         10 s    40.0    8.0      32.0
      refork to gen:2         15 s     8.0      -         -
    TEXT
  end

  def test_json
    all = JSON.parse(Pitchfork::Cow::Json.samples(samples({ 0 => 30 }, { 1 => 8 })))
    assert_equal({ "at" => 5.0, "pss" => 0, "generations" => { "1" => { "workers" => 2, "private" => 8 * MIB } } },
                 all["samples"].last.merge("pss" => 0))
    refork = { "generation" => 1, "at" => 5.0, "before" => 30 * MIB, "done" => 5.0, "after" => 8 * MIB, "won" => 22 * MIB }
    assert_equal [refork], all["reforks"]
  end
end

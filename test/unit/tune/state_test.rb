# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/tune/state"

class TuneStateTest < UnitTest
  Tune = Pitchfork::Tune
  PRINT = { "Ruby" => "1", "request list" => "2" }.freeze
  GOOD = Tune::Run.new(Tune::Candidate.new(allocator: :jemalloc, gc: { free_slots: [0.05, 0.1, 0.15] }),
                       Tune::Measurement.new(pss: 1.5, private: 2.5, mold: 0.0, rate: 3.0, p50: 1.0, p99: 4.0, cpu: 0.5, reforks: 2,
                                             statuses: { "200" => 5 }, boot: 1.0, seconds: 6.0))
  FAILED = Tune::Run.new(Tune::Candidate.new, Tune::Measurement.new(failure: "no", seconds: 1.0))

  def open(fingerprint = PRINT, resume: true)
    Tune::State.open("out", fingerprint, resume: resume)
  end

  def written
    state = open(resume: false)
    state.plan = Tune::Plan.new(workers: 4, period: 100)
    state << GOOD << FAILED
  end

  def test_what_is_written_is_read_again
    before = written
    after = open
    assert_equal [GOOD, FAILED], after.runs
    assert_equal before.plan, after.plan
    assert_equal before.started.to_i, after.started.to_i
    after << GOOD
    assert_equal 3, open.runs.size
  end

  def test_nothing_is_there_before_something_was_measured
    assert_empty open(resume: false).runs
    open(resume: false).round(60) { nil }
    refute_path_exists "out"
  end

  def test_nothing_to_go_on_with
    message = "out/state.json: nothing to resume; leave out --resume, or name the directory by --out"
    assert_message(message) { open }
    assert_message("out/state.json holds an earlier tuning; go on with it by --resume, or name another directory by --out") do
      written
      open(resume: nil)
    end
  end

  def test_rounds_and_how_long_they_took
    state = open(resume: nil)
    state.round(60) { state << GOOD }
    again = open
    assert_raises(RuntimeError) { again.round(30) { (again << GOOD) && raise("ended") } }
    assert_equal [60, 30], open.rounds.map(&:given)
    open.rounds.each { |round| assert_operator round.taken, :>, 0 }
  end

  def test_nothing_is_overwritten_unasked
    written
    message = "out/state.json holds an earlier tuning; go on with it by --resume, or name another directory by --out"
    assert_message(message) { open(resume: false) }
  end

  def test_figures_of_something_else_are_refused
    written
    error = assert_raises(Pitchfork::ConfigurationError) { open(PRINT.merge("Ruby" => "0")) }
    assert_match(%r{\Aout/state\.json: measured with another Ruby, so it says nothing about this one}, error.message)
  end

  def test_what_is_no_state
    written
    ["{", "[]", "{}", '{"format": 1}', '{"format": 1, "fingerprint": {"Ruby": "1", "request list": "2"}, "runs": [5]}'].each do |text|
      File.write("out/state.json", text)
      assert_match(%r{\Aout/state\.json: }, assert_raises(Pitchfork::ConfigurationError, text) { open }.message)
    end
  end
end

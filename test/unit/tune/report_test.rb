# frozen_string_literal: true

require "rexml/document"
require "support/unit_helper"
require "pitchfork/tune/measurement"
require "pitchfork/tune/plan"
require "pitchfork/tune/ranking"
require "pitchfork/tune/report"
require "pitchfork/tune/state"

class TuneReportTest < UnitTest
  Tune = Pitchfork::Tune
  ABOUT = { title: "pitchfork tune: an <app>", time: "2026-11-22", machine: "Ruby",
            rounds: [Tune::State::Round.new(600, 570.0), Tune::State::Round.new(60, 61.2)] }.freeze
  SMALL = Tune::Candidate.new(refork_after: [500], allocator: :jemalloc)

  def runs(candidate, pss, rate, statuses: { "200" => 100 })
    [-1, 1].map do |sign|
      memory = { pss: pss + sign, private: (pss / 10) + (sign * 0.1), mold: 2.0 }
      others = { rate: rate + sign, p50: 1.0, p99: 9.0, cpu: 1.25, reforks: 3, statuses: statuses, seconds: 9.0 }
      Tune::Run.new(candidate, Tune::Measurement.new(**memory, **others))
    end
  end

  def report(*runs)
    Tune::Report.new(Tune::Ranking.new(runs.flatten), Tune::Plan.new(workers: 4, period: 500), ABOUT)
  end

  def test_the_table
    text = report(runs(Tune::Candidate.new, 400.0, 1000.0), runs(SMALL, 200.0, 1001.0)).to_s
    assert_includes text, "# pitchfork tune: an <app>\n"
    assert_includes text, "\n* it took 10.5 of the 11.0 minutes that were given, in 2 rounds\n* 4 trials of 2 candidates. " \
                          "Each: 4 workers, 6000 requests to warm up"
    row = text.lines.grep(/jemalloc/).first.split("|").map(&:strip)
    assert_equal ["", "1*", "2", "200 ±1", "-50 %", "20.0 ±0.1", "-50 %", "1001 ±1", "(+0 %)", "9.0 ±0.0", "1.25"], row.take(11)
    ranks = [/ as it is +\|$/, / \[500\] +\|$/].map { |settings| text.lines.grep(settings).first[/\d/] }
    assert_equal %w[2 1], ranks
  end

  def test_lines_to_paste
    report = report(runs(Tune::Candidate.new, 400.0, 1000.0), runs(SMALL, 200.0, 1001.0))
    lines = report.settings.lines(chomp: true)
    assert_equal ["allocator :jemalloc", "refork_after [500]"], lines.grep_v(/^#/)
    assert_includes lines, "# pitchfork tune, 2026-11-22: 2 trials of these settings, 2 without them."
    assert_match(/^# PSS: 200 MiB, was 400 \(-50 %, ±\d+ % noise\)$/, report.settings)
    assert_match(/^# requests\/s: 1001, was 1000 \(\+0 %, within ±\d+ % noise\)$/, report.settings)
    assert_includes report.to_s, report.settings
  end

  def test_nothing_is_better
    report = report(runs(Tune::Candidate.new, 400.0, 1000.0), runs(SMALL, 600.0, 1000.0))
    assert_empty report.settings
    assert_includes report.to_s, "Nothing that was tried is better than the configuration as it is"
  end

  def test_measured_once
    text = report(runs(Tune::Candidate.new, 400.0, 1000.0), runs(SMALL, 200.0, 1000.0).first(1)).to_s
    assert_includes text, "Measured once only"
    assert_includes text, ": 1 trial of these settings, 2 without them."
    ranking = Tune::Ranking.new(runs(Tune::Candidate.new, 400.0, 1000.0).first(1))
    about = ABOUT.merge(rounds: [Tune::State::Round.new(60, 6.0)])
    alone = Tune::Report.new(ranking, Tune::Plan.new(workers: 1, period: 5), about).to_s
    assert_includes alone, "it took 0.1 of the 1.0 minutes that were given, in 1 round\n* 1 trial of 1 candidate. Each: 1 worker, "
  end

  def test_failures_and_strange_answers_are_told
    failed = Tune::Run.new(SMALL, Tune::Measurement.new(failure: "it crashed\nhere"))
    text = report(runs(Tune::Candidate.new, 400.0, 1000.0, statuses: { "200" => 50, "404" => 50 }), [failed]).to_s
    assert_includes text, "* `allocator :jemalloc; refork_after [500]`: it crashed\n  here"
    assert_includes text, "50 % of the answers are refusals (404)"
  end

  def test_the_chart
    chart = REXML::Document.new(report(runs(Tune::Candidate.new, 400.0, 1000.0), runs(SMALL, 200.0, 1200.0)).chart)
    circles = REXML::XPath.match(chart, "//*[local-name()='circle']").map { |circle| %w[cx cy].map { |name| circle.attributes[name].to_f } }
    # The best is drawn last: further to the right, and lower, which is a larger y.
    assert_equal 2, circles.size
    assert_operator circles.last[0], :>, circles.first[0]
    assert_operator circles.last[1], :>, circles.first[1]
  end
end

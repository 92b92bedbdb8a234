# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/report/table"
require "pitchfork/report/time_labels"

class ReportTableTest < UnitTest
  def table
    Pitchfork::Report::Table.new("name", "MiB") << ["short", "1.5"] << ["rather long", "-"] << ["x", "100.0"]
  end

  def test_markdown
    assert_equal <<~TEXT.chomp, table.to_s
      | name        |   MiB |
      | ----------- | ----: |
      | short       |   1.5 |
      | rather long |     - |
      | x           | 100.0 |
    TEXT
  end

  def test_plain
    assert_equal <<~TEXT.chomp, table.plain
      name           MiB
      short          1.5
      rather long      -
      x            100.0
    TEXT
  end

  def test_time_labels
    {
      0 => ["0 s"],
      7 => %w[0 1 2 3 4 5 6 7].map { |n| "#{n} s" },
      100 => %w[0 15 30 45 60 75 90].map { |n| "#{n} s" },
      600.5 => %w[0 2 4 6 8 10].map { |n| "#{n} min" },
      86_400 => %w[0 3 6 9 12 15 18 21 24].map { |n| "#{n} h" },
      2_000_000 => %w[0 3 6 9 12 15 18 21].map { |n| "#{n} d" }
    }.each { |seconds, labels| assert_equal(labels, Pitchfork::Report::TimeLabels.upto(seconds).values, seconds) }
    assert_equal([0, 120, 240], Pitchfork::Report::TimeLabels.upto(950.5).keys.first(3))
  end
end

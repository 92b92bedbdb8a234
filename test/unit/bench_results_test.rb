# frozen_string_literal: true

require "support/unit_helper"
require_relative "../../bench/support/results"

# Whole runs are written, others leave what is there.
class BenchResultsTest < UnitTest
  def test_what_is_written
    out, said, status = write_results("if_complete: true")
    assert_equal ["", "", 0], [out, said, status]
    assert_equal "new", File.read("bench/results/one.md")
  end

  def test_what_is_left_alone
    write("bench/results/one.md", "old")
    _, said, status = write_results("if_complete: false")
    assert_equal ["bench/results is left alone: not everything was measured\n", 0], [said, status]
    assert_equal "old", File.read("bench/results/one.md")
  end

  # By a copy in the test's directory, which has results of its own.
  def write_results(complete)
    write("bench/support/results.rb", File.read("#{ROOT}/bench/support/results.rb"))
    ruby("-r./bench/support/results", "-e", "Bench.write_results({ 'one.md' => 'new' }, #{complete})")
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require_relative "../../bench/support/figures"

# The figures in the documentation are those that were measured last.
class FiguresTest < UnitTest
  def test_docs_memory
    page = File.read("#{ROOT}/docs/memory.md")

    assert_equal(Bench::Figures.update(page), page, "rake docs:figures writes them anew")
    assert_operator(page.scan("<!-- bench/results/").size, :>=, 4)
  end

  def test_a_table_that_is_not_there
    error = assert_raises(KeyError) { Bench::Figures.update("<!-- bench/results/throughput-3.3.8.md, table 99 -->\n\n") }
    assert_match(%r{\Abench/results/throughput-3.3.8.md has \d+ tables, not 99\z}, error.message)
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require_relative "../../bench/support/figures"

# The figures in the documentation are those that were measured last.
class FiguresTest < UnitTest
  def test_the_pages
    Bench::Figures::PAGES.each do |path|
      page = File.read("#{ROOT}/#{path}")
      assert_equal(Bench::Figures.update(page), page, "#{path}: rake docs:figures writes them anew")
      assert_includes(page, "\n<!-- bench/results/", path)
    end
  end

  def test_docs_memory
    results = File.read("#{ROOT}/docs/memory.md").scan(%r{^<!-- (bench/results/\S+), table})
    assert_operator(results.size, :>=, 4)
    results.flatten.each { |path| assert_path_exists("#{ROOT}/#{path}") }
  end

  def test_what_was_not_measured_yet_stays
    page = "<!-- bench/results/gc-0.0.0.md, table 1 -->\n\n| by | hand |\n| --- | --- |\n| 1 | 2 |\n\nText.\n"
    assert_equal(page, Bench::Figures.update(page))
    measured = page.sub("gc-0.0.0", "cow-3.3.8")
    updated = Bench::Figures.update(measured)
    refute_includes(updated, "| by | hand |")
    assert_match(/\A<!-- .* -->\n\n(\|.*\n)+\nText.\n\z/, updated)
  end

  def test_a_table_that_is_not_there
    error = assert_raises(KeyError) { Bench::Figures.update("<!-- bench/results/throughput-3.3.8.md, table 99 -->\n\n") }
    assert_match(%r{\Abench/results/throughput-3.3.8.md has \d+ tables, not 99\z}, error.message)
  end
end

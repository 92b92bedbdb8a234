# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configurator"

class GcVariablesTest < UnitTest
  Variables = Pitchfork::Configuration::GcVariables

  def test_keywords_become_variables
    expected = {
      "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO" => "0.05",
      "RUBY_GC_HEAP_FREE_SLOTS_GOAL_RATIO" => "0.1",
      "RUBY_GC_HEAP_FREE_SLOTS_MAX_RATIO" => "0.15",
      "RUBY_GC_HEAP_GROWTH_FACTOR" => "1.1",
      "RUBY_GC_MALLOC_LIMIT" => "4000000"
    }
    assert_equal expected, Variables.call(free_slots: [0.05, 0.1, 0.15], growth_factor: 1.1, malloc_limit: 4_000_000)
  end

  def test_a_variable_by_its_whole_name
    assert_equal({ "RUBY_GC_HEAP_GROWTH_FACTOR" => "1.1" }, Variables.call(RUBY_GC_HEAP_GROWTH_FACTOR: 1.1))
  end

  def test_and_back
    [{ growth_factor: 1.1, malloc_limit: 4_000_000 }, { RUBY_GC_HEAP_FREE_SLOTS: 4096 }].each do |keywords|
      assert_equal keywords, Variables.keywords(Variables.call(keywords))
    end
  end

  # That this Ruby is really asked: it complains of what it can't use, and of nothing that it does not know.
  def test_this_ruby_reads_what_is_known
    complaining = %w[GROWTH_FACTOR FREE_SLOTS_MIN_RATIO].map { |name| "RUBY_GC_HEAP_#{name}" }
    complaining.each do |name|
      assert_includes Variables.known, name
      _, said, = ruby("--disable=gems", "-e", "", env: { name => "0.0001" })
      assert_includes said, name
    end
  end

  # As this Ruby has it, which is asked, too.
  def test_what_grows_grows
    %w[HEAP_GROWTH_FACTOR MALLOC_LIMIT_GROWTH_FACTOR OLDMALLOC_LIMIT_GROWTH_FACTOR].each do |name|
      keyword = name.delete_prefix("HEAP_").downcase.to_sym
      assert_message("#{keyword}: expected a number > 1, got 1.0") { Variables.call(keyword => 1.0) }
      assert_match(/RUBY_GC_#{name}=1\.0+ .* is ignored/, ruby("--disable=gems", "-e", "", env: { "RUBY_GC_#{name}" => "1.0" })[1])
      assert_equal({ "RUBY_GC_#{name}" => "1.01" }, Variables.call(keyword => 1.01))
      refute_match(/ignored/, ruby("--disable=gems", "-e", "", env: { "RUBY_GC_#{name}" => "1.01" })[1])
    end
  end

  # A factor, but not one of growth.
  def test_what_may_be_less_than_one
    assert_equal({ "RUBY_GC_HEAP_OLDOBJECT_LIMIT_FACTOR" => "0.9" }, Variables.call(oldobject_limit_factor: 0.9))
    refute_match(/ignored/, ruby("--disable=gems", "-e", "", env: { "RUBY_GC_HEAP_OLDOBJECT_LIMIT_FACTOR" => "0.9" })[1])
  end

  def test_each_heap_has_its_own
    skip "before Ruby 3.3 all heaps begin with the same number of slots" if RUBY_VERSION < "3.3"
    assert_equal({ "RUBY_GC_HEAP_0_INIT_SLOTS" => "20000" }, Variables.call(heap_0_init_slots: 20_000))
    error = assert_raises(Pitchfork::ConfigurationError) { Variables.call(heap_9_init_slots: 1) }
    assert_match(/\Aheap_9_init_slots: this Ruby \(.*\) has no such setting; did you mean heap_[0-8]_init_slots\?\z/, error.message)
  end

  def test_names_in_a_program
    program = write("ruby", "\0RUBY_GC_HEAP_%d_INIT_SLOTS\0\0RUBY_GC_NEW\0x")
    assert_equal %w[RUBY_GC_HEAP_%d_INIT_SLOTS RUBY_GC_NEW], Variables.names_in(program)
    assert_empty Variables.names_in("no such file")
  end

  {
    {} => "expected keywords such as free_slots: [0.05, 0.1, 0.15], got none",
    { growth_facto: 1.1 } => "growth_facto: this Ruby (#{RUBY_VERSION}) has no such setting; did you mean growth_factor?",
    { growth_factor: "1.1" } => 'growth_factor: expected a number > 1, got "1.1"',
    { growth_factor: 0.5 } => "growth_factor: expected a number > 1, got 0.5",
    { malloc_limit: 0 } => "malloc_limit: expected a number > 0, got 0",
    { free_slots: [0.2, 0.1, 0.3] } => "free_slots: expected [min, goal, max] with 0 < min <= goal <= max < 1, got [0.2, 0.1, 0.3]",
    { free_slots: [0.1, 0.2] } => "free_slots: expected [min, goal, max] with 0 < min <= goal <= max < 1, got [0.1, 0.2]",
    { free_slots: [0.1, nil, 0.3] } => "free_slots: expected [min, goal, max] with 0 < min <= goal <= max < 1, got [0.1, nil, 0.3]"
  }.each do |keywords, message|
    define_method(:"test_mistake_#{keywords}") { assert_message(message) { Variables.call(keywords) } }
  end
end

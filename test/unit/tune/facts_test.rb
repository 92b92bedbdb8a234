# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/tune/facts"

# What can be tried with a configuration and an environment.
class TuneFactsTest < UnitTest
  def facts(config = "", environment = {})
    configurator = Pitchfork::Configurator.new.evaluate(config, "pitchfork.rb")
    Pitchfork::Tune::Facts.new(Pitchfork::Configuration.new(configurator), environment)
  end

  def test_what_the_user_has_set_himself_would_win
    { "RUBYOPT" => "-W0 --yjit", "RUBY_YJIT_ENABLE" => "1" }.each do |variable, value|
      assert_equal([false, false], %i[yjit yjit_until_promotion].map { |name| facts("", variable => value).free_to_set?(name) }, variable)
    end
    refute(facts("", "LD_PRELOAD" => "/a.so").free_to_set?(:allocator))
    assert(facts("", "RUBYOPT" => "-W0", "LD_PRELOAD" => "").free_to_set?(:yjit))
    assert(facts("", "LD_PRELOAD" => "").free_to_set?(:allocator))
  end

  def test_whether_workers_compile
    skip "this Ruby was built without YJIT" unless defined?(RubyVM::YJIT)
    assert(facts("yjit true").yjit_on?)
    assert(facts("yjit call_threshold: 5").yjit_on?)
    refute(facts("yjit false").yjit_on?)
    assert_equal(RubyVM::YJIT.enabled?, facts.yjit_on?)
  end

  # The line that is tried, and recommended, takes the place of the user's own.
  def test_keywords_of_the_users_own_stay
    ratios = { free_slots: [0.05, 0.1, 0.15] }
    assert_equal({ growth_factor: 1.1, **ratios }, facts("gc free_slots: [0.2, 0.3, 0.4], growth_factor: 1.1").completed(:gc, ratios))
    assert_equal({ trim: false, compact: false }, facts("mold_preparation trim: false").completed(:mold_preparation, { compact: false }))
    early = { call_threshold: 5 }
    assert_equal({ exec_mem_size: 64, **early }, facts("yjit exec_mem_size: 64, call_threshold: 9").completed(:yjit, early))
    assert_equal [ratios, false], [facts.completed(:gc, ratios), facts.completed(:yjit, false)]
    assert_equal early, facts("yjit true").completed(:yjit, early)

    off = facts("mold_preparation false")
    assert off.set_already?(:mold_preparation, off.completed(:mold_preparation, { compact: false })), "it would switch the others on"
  end

  def test_what_the_configuration_says_already
    assert(facts("yjit true").set_already?(:yjit, true))
    refute(facts("yjit true").set_already?(:yjit, false))
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/boot_environment"

class YjitFlagsTest < UnitTest
  Flags = Pitchfork::BootEnvironment::YjitFlags

  def before_setup
    super
    skip "this Ruby was built without YJIT" unless defined?(RubyVM::YJIT)
  end

  def flags(source, given: [], environment: {})
    configurator = Pitchfork::Configurator.new.evaluate(source, "pitchfork.rb")
    Flags.new(Pitchfork::Configuration.new(configurator), environment, given)
  end

  def test_nothing_is_said_unasked
    assert_empty flags("").to_a
    assert_empty flags("yjit false").to_a
  end

  def test_options_are_flags
    assert_equal ["--yjit"], flags("yjit true").to_a
    assert_equal %w[--yjit --yjit-call-threshold=2 --yjit-exec-mem-size=64], flags("yjit call_threshold: 2, exec_mem_size: 64").to_a
  end

  def test_an_option_that_the_user_has_set_wins_alone
    ours = flags("yjit call_threshold: 2, exec_mem_size: 64", given: %w[-W0 --yjit-call-threshold=9])
    assert_equal %w[--yjit --yjit-exec-mem-size=64], ours.to_a
    assert_equal %w[--yjit-call-threshold], ours.kept
  end

  def test_an_option_in_rubyopt_counts
    ours = flags("yjit exec_mem_size: 64", environment: { "RUBYOPT" => "-W:no-deprecated --yjit --yjit-exec-mem-size=99" })
    assert_equal [["--yjit"], %w[--yjit-exec-mem-size]], [ours.to_a, ours.kept]
  end

  [%w[--disable-yjit], %w[--disable=yjit], %w[--disable-jit], %w[--yjit-disable]].each do |given|
    define_method(:"test_the_user_does_not_want_it_#{given.first}") do
      ours = flags("yjit call_threshold: 2", given: given)
      assert_equal [[], given], [ours.to_a, ours.kept]
    end
  end

  def test_the_user_decides_by_a_variable
    ours = flags("yjit true", environment: { "RUBY_YJIT_ENABLE" => "0" })
    assert_equal [[], %w[RUBY_YJIT_ENABLE=0]], [ours.to_a, ours.kept]
    ours = flags("yjit false", environment: { "RUBY_YJIT_ENABLE" => "1" })
    assert_equal [[], %w[RUBY_YJIT_ENABLE=1]], [ours.to_a, ours.kept]
  end

  def test_the_user_wants_it_and_the_configuration_does_not
    ours = flags("yjit false", given: %w[--yjit])
    assert_equal [[], %w[--yjit]], [ours.to_a, ours.kept]
  end

  def test_only_the_first_worker
    if Pitchfork::LateYjit.possible?
      assert_equal %w[--yjit-disable], flags("yjit_until_promotion :first_worker", given: %w[--yjit]).to_a
      assert_equal %w[--yjit-disable --yjit-call-threshold=5], flags("yjit_until_promotion :first_worker; yjit call_threshold: 5").to_a
    else
      error = assert_raises(Pitchfork::ConfigurationError) { flags("yjit_until_promotion :first_worker") }
      assert_equal "yjit_until_promotion :first_worker: needs Ruby 3.3 or newer, this is #{RUBY_VERSION}", error.message
    end
  end

  {
    "yjit" => "expected one value, got none",
    "yjit :fast" => "expected true, false or options such as call_threshold: 2, got :fast",
    "yjit true, call_threshold: 2" => "expected either true, false or options, got both",
    "yjit call_treshold: 2" => "call_treshold: there is no such option; did you mean call_threshold?",
    "yjit exec_mem_size: 4096" => "exec_mem_size: expected an Integer from 1 to 2048, got 4096",
    "yjit call_threshold: 0" => "call_threshold: expected an Integer >= 1, got 0"
  }.each do |source, message|
    define_method(:"test_mistake_#{source}") { assert_message("pitchfork.rb:1: yjit: #{message}") { flags(source) } }
  end

  def test_an_option_of_a_newer_ruby
    skip "this Ruby has it" if RUBY_VERSION >= "3.3"
    assert_message("pitchfork.rb:1: yjit: cold_threshold: needs Ruby 3.3 or newer, this is #{RUBY_VERSION}") do
      flags("yjit cold_threshold: 9")
    end
  end

  def test_a_contradiction
    assert_message("pitchfork.rb:1: yjit_until_promotion :first_worker contradicts yjit false: remove one of them") do
      flags("yjit_until_promotion :first_worker; yjit false")
    end
  end
end

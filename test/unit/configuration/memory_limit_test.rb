# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configurator"

class MemoryLimitTest < Minitest::Test
  def limit(source)
    Pitchfork::Configurator.new.evaluate(source, "pitchfork.rb").values.fetch(:worker_memory_limit)
  end

  def test_bytes
    assert_equal({ measure: :private, soft: 500_000_000, hard: nil }, limit("worker_memory_limit private: 500_000_000"))
  end

  def test_units_of_1024
    { "64K" => 64 << 10, "512M" => 512 << 20, "512 MiB" => 512 << 20, "512mb" => 512 << 20, "1.5G" => 3 << 29, "1T" => 1 << 40,
      "4096" => 4096 }.each do |text, bytes|
      assert_equal bytes, limit("worker_memory_limit pss: #{text.dump}")[:soft], text
    end
  end

  def test_hard
    expected = { measure: :pss, soft: 1 << 20, hard: 2 << 20 }
    assert_equal expected, limit('worker_memory_limit pss: "1M", hard: "2M"')
  end

  def test_unset
    assert_nil limit("worker_memory_limit nil")
  end

  def test_what_is_none
    ['private: "much"', "private: 0", "private: -1", 'private: "1M", pss: "1M"', 'hard: "1M"', 'private: "2M", hard: "1M"',
     'private: "1M", hard: "1M"', 'private: "1M", hard: "x"', 'rss: "1M"', "512", "private: 1.5", 'private: "9999999T"', ""].each do |words|
      error = assert_raises(Pitchfork::ConfigurationError, words) { limit("worker_memory_limit #{words}") }
      assert_match(/\Apitchfork\.rb:1: worker_memory_limit: expected /, error.message)
    end
  end

  def test_when_to_refork
    configurator = Pitchfork::Configurator.new.evaluate("refork_when :sharing, interval: 5", "pitchfork.rb")
    assert_equal({ refork_when: :sharing, refork_interval: 5 }, configurator.values)
    error = assert_raises(Pitchfork::ConfigurationError) { configurator.evaluate("refork_when :always", "pitchfork.rb") }
    assert_equal "pitchfork.rb:1: refork_when: expected :requests or :sharing, got :always", error.message
    error = assert_raises(Pitchfork::ConfigurationError) { configurator.evaluate("refork_when :sharing, interval: 0", "pitchfork.rb") }
    assert_match(/\Apitchfork\.rb:1: refork_when: interval: expected/, error.message)
  end
end

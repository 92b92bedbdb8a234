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

  SIZE = 'expected bytes, or a String such as "512M" or "1.5G"'
  {
    'private: "100X"' => "private: #{SIZE}, got \"100X\"",
    'private: "much"' => "private: #{SIZE}, got \"much\"",
    "private: 0" => "private: #{SIZE}, got 0",
    "pss: -1" => "pss: #{SIZE}, got -1",
    "pss: nil" => "pss: #{SIZE}, got nil",
    "private: 1.5" => "private: #{SIZE}, got 1.5",
    'private: "9999999T"' => "private: #{SIZE}, got \"9999999T\"",
    'private: "1M", hard: "x"' => "hard: #{SIZE}, got \"x\"",
    'private: "2M", hard: "1M"' => 'hard: expected more than private: "2M", got "1M"',
    'pss: "1M", hard: 1_048_576' => 'hard: expected more than pss: "1M", got 1048576',
    'private: "1M", pss: "1M"' => "expected private: or pss:, got both",
    'hard: "1M"' => "expected private: or pss:, got hard: only",
    'rss: "1M"' => "unknown keyword rss; did you mean pss?",
    'private: "1M", harder: "2M"' => "unknown keyword harder; did you mean hard?",
    "512" => "expected `private:` or `pss:`, and perhaps `hard:`, which is more: #{SIZE.delete_prefix("expected ")} (or nil), got 512"
  }.each do |words, message|
    define_method(:"test_mistake_#{words}") do
      error = assert_raises(Pitchfork::ConfigurationError) { limit("worker_memory_limit #{words}") }
      assert_equal "pitchfork.rb:1: worker_memory_limit: #{message}", error.message
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

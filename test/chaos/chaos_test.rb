# frozen_string_literal: true

require "minitest/autorun"
require "timeout"
require "support/chaos/run"
require "support/chaos/verdict"

# A short stretch of every scenario; `rake chaos` does more of the same. What is struck, and when, follows from the seed that
# Minitest prints.
class ChaosTest < Minitest::Test
  FAULTS = 4
  SECONDS = 180
  # For a machine that does other things besides: only who does not recover at all fails here.
  STRENGTH = 10
  AT_ONCE = 3

  Chaos::Scenario.all.each do |scenario|
    define_method(:"test_#{scenario.title.tr("-", "_")}") do
      why = scenario.impossible
      skip why if why

      Timeout.timeout(SECONDS) do
        result = Chaos::Run.new(scenario, seed: Minitest.seed).call { |faults, _| faults < FAULTS }
        complaints = Chaos::Verdict.new(result, strength: STRENGTH, at_once: AT_ONCE).complaints
        assert_empty complaints, "#{complaints.join("\n")}\n--- log ---\n#{result.log}"
        assert_operator result.ledger.answered, :>, 0
      end
    end
  end
end

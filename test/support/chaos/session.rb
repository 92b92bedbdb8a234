# frozen_string_literal: true

require_relative "../../../bench/support/machine"
require_relative "run"
require_relative "report"

module Chaos
  # Many scenarios, one after the other, in the time there is.
  class Session
    # @param titles [Array<String>, nil] of scenarios; nil: all
    # @param minutes [Float] for all together, besides the starts and ends of the servers
    # @param faults [Integer, nil] each scenario ends when it has done so many, if it has the time
    # @raise [ArgumentError] when there is no scenario of such a title
    def initialize(titles, seed:, minutes:, faults: nil)
      @scenarios = titles ? titles.map { |title| find(title) } : Scenario.all
      @seed = seed
      @minutes = minutes
      @faults = faults
    end

    # Says on standard error how it goes.
    #
    # @return [Report]
    def call
      machine = Bench::Machine.describe
      skipped, possible = @scenarios.partition(&:impossible)
      share = @minutes * 60 / [possible.size, 1].max
      results = possible.map do |scenario|
        warn "chaos: #{scenario.title}, seed #{@seed}"
        Run.new(scenario, seed: @seed).call { |faults, seconds| seconds < share && (@faults.nil? || faults < @faults) }
      end
      Report.new(results, machine: machine, skipped: skipped.to_h { |scenario| [scenario.title, scenario.impossible] })
    end

    private

    def find(title)
      Scenario.all.find { |scenario| scenario.title == title } or
        raise ArgumentError, "no scenario #{title.inspect}; there are: #{Scenario.all.map(&:title).join(", ")}"
    end
  end
end

# frozen_string_literal: true

module Chaos
  # What came of a run.
  #
  # @!attribute recoveries
  #   @return [Array<Float>] seconds to full strength, one a strike
  # @!attribute boots
  #   @return [Integer] of the app besides the first, which took `boot` seconds
  # @!attribute before
  #   @return [Hash] see {Processes#census}; and so is `after`
  # @!attribute left
  #   @return [Array<Integer>] pids that were there after the server's end
  # @!attribute trouble
  #   @return [String, nil] why the run ended early
  Result = Struct.new(
    :scenario, :seed, :seconds, :faults, :recoveries, :boots, :boot, :ledger, :before, :after, :left, :log, :trouble,
    keyword_init: true
  ) do
    def title
      scenario.title
    end

    # @return [Array<Integer>] pids of processes that crashed and that nobody had struck
    def crashed
      log.scan(/ pid=(\d+) (?:died of SIG(?:SEGV|ABRT|BUS|ILL|TRAP)|did not become ready: it died of SIG(?:SEGV|ABRT))/)
        .flatten.map(&:to_i).uniq - ledger.victims
    end

    # @return [Integer] lost requests that such a crash explains, where the fault itself may be the end of a process
    def mourned
      scenario.fatal? ? [ledger.lost.size, crashed.size].min : 0
    end
  end
end

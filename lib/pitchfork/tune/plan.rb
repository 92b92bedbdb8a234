# frozen_string_literal: true

module Pitchfork
  module Tune
    # How many requests each trial serves: the same for all, or their figures would not be comparable. The server is
    # warmed up and reforked at the candidate's points, then a period of requests is measured, at the end of which memory is
    # what it is right before the next refork would come.
    #
    # @!attribute workers
    #   @return [Integer]
    # @!attribute period
    #   @return [Integer] requests that each worker serves while throughput is measured
    Plan = Struct.new(:workers, :period, keyword_init: true) do
      # @param rate [Float] requests a second of the user's own configuration
      # @param seconds [Float] that the load of one trial should take
      # @return [Plan]
      def self.for(rate:, seconds:, workers:)
        period = rate * seconds / workers / (self::WARM_PERIODS + 1)
        new(workers: workers, period: round(period).clamp(self::LEAST, self::MOST))
      end

      # To a number that people write into a configuration: 1 or 2 digits and zeros.
      def self.round(number)
        return number.round if number < 10

        unit = 10**(Math.log10(number).floor - 1)
        step = unit * 5
        number >= step * 4 ? number.fdiv(step).round * step : number.fdiv(unit).round * unit
      end

      # @return [Integer] requests of all workers before the measured ones
      def warmup
        workers * period * self.class::WARM_PERIODS
      end

      # @return [Integer] measured requests of all workers
      def measured
        workers * period
      end

      # @param refork_after [Array<Integer, false>, nil] the setting
      # @return [Array<Integer>] after how many requests of all workers, in rising order, the server is reforked
      def reforks(refork_after)
        return [] if refork_after.nil? || refork_after == false

        points = []
        served = 0
        (0..).each do |generation|
          requests = refork_after[generation] || refork_after.last
          served += requests * workers if requests
          return points if !requests || served > warmup

          points << served
        end
      end
    end

    # Warm-up in periods: enough for a setting that reforks once a period to show what several reforks do.
    Plan::WARM_PERIODS = 3
    # Of a period, for apps that are very slow, and for those that are so fast that more would tell nothing new.
    Plan::LEAST = 5
    Plan::MOST = 2_000
  end
end

# frozen_string_literal: true

module Pitchfork
  module Tune
    # How far figures of the same thing are apart on this machine, from the trials that were repeated.
    class Noise
      # Standard deviation as a share of the figure, as long as too little was repeated to know it.
      ASSUMED = { pss: 0.02, private: 0.05, mold: 0.05, rate: 0.08, p50: 0.1, p99: 0.25, cpu: 0.05 }.freeze
      # Repetitions that what is assumed is worth.
      WEIGHT = 2
      private_constant :ASSUMED, :WEIGHT

      # @param groups [Array<Array<Measurement>>] those of a candidate together, none failed
      def initialize(groups)
        @shares = ASSUMED.to_h { |figure, assumed| [figure, pooled(figure, groups, assumed)] }
      end

      # @param figure [Symbol] of a {Measurement}
      # @return [Float] standard deviation of one trial, as a share of the figure
      def share(figure)
        @shares.fetch(figure)
      end

      # @param counts [Array<Integer>] of trials, of the two candidates that are compared
      # @return [Float] share by which their means may differ by chance, in 19 of 20 cases
      def of_difference(figure, counts)
        2 * share(figure) * Math.sqrt(counts.sum { |count| 1.0 / count })
      end

      private

      # What is assumed counts like two repetitions, so that two figures that are equal by chance are not taken for certainty.
      def pooled(figure, groups, assumed)
        squares = WEIGHT * (assumed**2)
        freedom = WEIGHT
        groups.each do |group|
          values = group.map { |measurement| measurement[figure] }
          mean = values.sum / values.size
          next if values.size < 2 || mean.zero?

          squares += values.sum { |value| ((value / mean) - 1)**2 }
          freedom += values.size - 1
        end
        Math.sqrt(squares / freedom)
      end
    end
  end
end

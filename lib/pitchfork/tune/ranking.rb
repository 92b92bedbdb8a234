# frozen_string_literal: true

require "pitchfork/tune/candidate"
require "pitchfork/tune/noise"

module Pitchfork
  module Tune
    # The candidates that were tried, the best first, by what is known so far.
    class Ranking
      # @return [Array<Symbol>] what can be asked for: the least memory without loss of throughput; the least memory; the
      #   most throughput
      GOALS = %i[balance memory throughput].freeze
      # Differences of memory below this share are not worth a line of configuration.
      NEGLIGIBLE = 0.01
      # Trials of a candidate after which its throughput is known.
      ENOUGH = 3
      private_constant :NEGLIGIBLE, :ENOUGH

      # A candidate with all its trials.
      Entry = Struct.new(:candidate, :measurements) do
        # @param figure [Symbol] of a {Measurement}
        # @return [Float] the mean
        def [](figure)
          values = values(figure)
          values.sum / values.size
        end

        # @return [Array<Float>]
        def values(figure)
          measurements.map { |measurement| measurement[figure] }
        end

        def count
          measurements.size
        end
      end

      # @return [Entry, nil] of the user's own configuration
      attr_reader :baseline
      # @return [Array<Entry>] the best first
      attr_reader :entries
      # @return [Hash{Candidate => String}] those that can't be used, and why
      attr_reader :failures
      # @return [Noise]
      attr_reader :noise

      # @param runs [Array<Run>]
      # @param goal [Symbol] one of {GOALS}
      def initialize(runs, goal: :balance)
        @goal = goal
        @failures = runs.select { |run| run.measurement.failed? }.to_h { |run| [run.candidate, run.measurement.failure] }
        good = runs.reject { |run| @failures.key?(run.candidate) }.group_by(&:candidate)
        entries = good.map { |candidate, same| Entry.new(candidate, same.map(&:measurement)) }
        @noise = Noise.new(entries.map(&:measurements))
        @baseline = entries.find { |entry| entry.candidate.baseline? }
        @entries = entries.sort_by { |entry| [slow?(entry) ? 1 : 0, cost(entry)] }
      end

      # @return [Entry, nil] of those that are as good as the first, the one that changes least; when throughput is asked for,
      #   the one that needs the least memory
      def best
        first = entries.first or return
        equals = entries.select { |entry| as_good?(entry, first) }
        equals.min_by { |entry| @goal == :throughput ? entry[:pss] : [entry.candidate.settings.size, cost(entry)] }
      end

      # Another program on the machine makes a trial slow, too, but not its workers work more. When there are enough trials
      # for that not to matter, throughput alone counts.
      #
      # @return [Boolean] whether its throughput is lower than the baseline's by more than the noise
      def slow?(entry)
        return false unless baseline && @goal == :balance && difference(entry, :rate) < -uncertainty(entry, :rate)

        [entry, baseline].all? { |one| one.count >= ENOUGH } || difference(entry, :cpu) > uncertainty(entry, :cpu)
      end

      # @return [Float] to the baseline, as a share of its figure
      def difference(entry, figure)
        return 0.0 if baseline.nil? || baseline[figure].zero?

        (entry[figure] / baseline[figure]) - 1
      end

      # @return [Float] share by which {#difference} may be off by chance
      def uncertainty(entry, figure)
        noise.of_difference(figure, [entry.count, baseline.count])
      end

      # @return [Boolean] whether a difference to the baseline is more than chance
      def certain?(entry, figure)
        difference(entry, figure).abs > uncertainty(entry, figure)
      end

      private

      # Less is better.
      def cost(entry)
        @goal == :throughput ? -entry[:rate] : entry[:pss]
      end

      def as_good?(entry, first)
        return false if slow?(entry) != slow?(first)

        figure = @goal == :throughput ? :rate : :pss
        apart = ((entry[figure] / first[figure]) - 1).abs
        apart <= [noise.of_difference(figure, [entry.count, first.count]), NEGLIGIBLE].max
      end
    end
  end
end

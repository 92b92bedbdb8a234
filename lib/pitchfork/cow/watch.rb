# frozen_string_literal: true

require "pitchfork/cow/sample"
require "pitchfork/errors"

module Pitchfork
  module Cow
    # Samples of a server until the time is up, somebody interrupts, or the server ends. Whatever the end, the samples are there.
    class Watch
      # @return [Array<Sample>]
      attr_reader :samples
      # @return [String, nil] why there were no more samples, if nobody had asked for that
      attr_reader :failure

      # @param reader [#sums]
      # @param interruption [#sleep] answers whether it came
      # @param every [Numeric] seconds from sample to sample; where reading takes longer, the next one is left out
      # @param seconds [Numeric, nil] nil: until it is interrupted
      # @param slow [#call, nil] is told once, when a sample takes longer than `every`, how many seconds it took
      def initialize(reader, interruption, every:, seconds: nil, slow: nil, clock: -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) })
        @reader = reader
        @interruption = interruption
        @every = every
        @seconds = seconds || Float::INFINITY
        @slow = slow
        @clock = clock
        @samples = []
      end

      # Takes the samples. The last one is taken when it is interrupted: who interrupts has seen what he has waited for.
      #
      # @yield when the first one is there
      # @return [Array<Sample>] at least one
      # @raise [Errno::ESRCH, ConfigurationError] when there is not even one
      def run
        @begun = @clock.call
        sample
        yield if block_given?
        complain
        until (due = due_after(passed)) > @seconds
          interrupted = @interruption.sleep(due - passed)
          sample
          complain
          break if interrupted
        end
        samples
      rescue Errno::ESRCH, ConfigurationError => e
        raise if samples.empty?

        @failure = e.is_a?(Errno::ESRCH) ? "the server has ended" : e.message
        samples
      end

      private

      def sample
        at = samples.empty? ? 0.0 : passed.round(3)
        begun = passed
        @samples << Sample.of(@reader.sums, at)
        @took = passed - begun
      end

      def complain
        return unless @took > @every

        @slow&.call(@took)
        @slow = nil
      end

      def passed
        @clock.call - @begun
      end

      def due_after(passed)
        ((passed / @every).floor + 1) * @every
      end
    end
  end
end

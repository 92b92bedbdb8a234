# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  module Tune
    # The time that was given is over.
    class OutOfTime < Error; end

    # A trial has gone wrong, for a reason that speaks against its candidate.
    class Failed < Error; end

    # The user wants no more of it.
    class Interrupted < Exception # rubocop:disable Lint/InheritException -- nobody in between is to rescue it
      # @return [Integer] exit status
      attr_reader :status

      # @param status [Integer]
      def initialize(status)
        super("interrupted")
        @status = status
      end
    end

    # Runs a block that waits. Nowhere else does a signal interrupt what is being done, so that what was started is always ended.
    #
    # @raise [Interrupted]
    def self.waiting(&block)
      Thread.handle_interrupt(Interrupted => :immediate, &block)
    end

    # A moment that nothing may go beyond.
    class Deadline
      # @return [Float] on the monotonic clock
      def self.now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end

      # @param seconds [Numeric] from now
      def self.in(seconds)
        new(now + seconds)
      end

      # @param moment [Float] on the monotonic clock
      def initialize(moment)
        @moment = moment
      end

      # @return [Float] seconds, 0.0 when it has passed
      def left
        [@moment - Deadline.now, 0.0].max
      end

      def passed?
        left.zero?
      end

      # @return [Deadline] the earlier one
      def within(seconds)
        Deadline.new([@moment, Deadline.now + seconds].min)
      end

      # @raise [OutOfTime]
      def check
        raise OutOfTime if passed?
      end
    end
  end
end

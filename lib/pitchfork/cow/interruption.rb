# frozen_string_literal: true

require "io/wait"

module Pitchfork
  module Cow
    # Ctrl-C, a closed terminal, or a friendly kill: what runs until then ends as if it were done.
    class Interruption
      SIGNALS = %w[INT TERM HUP].freeze
      private_constant :SIGNALS

      # Yields an Interruption; afterwards the signals mean what they meant before.
      def self.watch
        interruption = new
        before = SIGNALS.to_h { |signal| [signal, trap(signal) { interruption.call }] }
        yield interruption
      ensure
        before&.each { |signal, handler| trap(signal, handler || "DEFAULT") }
        interruption&.close
      end

      def initialize
        @reader, @writer = IO.pipe
      end

      # May be called by a signal handler.
      def call
        @writer.write_nonblock(".", exception: false)
      rescue IOError
        nil # it is over
      end

      # @return [Boolean] whether it came
      def come?
        sleep(0)
      end

      # @return [Boolean] whether it came, before so many seconds were over or long ago
      def sleep(seconds)
        !@reader.wait_readable([seconds, 0].max).nil?
      end

      def close
        [@reader, @writer].each(&:close)
      end
    end
  end
end

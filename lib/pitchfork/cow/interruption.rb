# frozen_string_literal: true

require "io/wait"
require "pitchfork/traps"

module Pitchfork
  module Cow
    # Ctrl-C, a closed terminal, or a friendly kill: what runs until then ends as if it were done.
    class Interruption
      SIGNALS = %w[INT TERM HUP].freeze
      private_constant :SIGNALS

      # Yields an Interruption; afterwards the signals mean what they meant before.
      def self.watch
        interruption = new
        Traps.during(SIGNALS, ->(_signal) { interruption.call }) { yield interruption }
      ensure
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

# frozen_string_literal: true

require "pitchfork/traps"
require "pitchfork/tune/deadline"
require "pitchfork/tune/options"

module Pitchfork
  # Finds settings for an app by measuring them on it.
  module Tune
    # `pitchfork tune`. What it finds goes to standard output, what it does meanwhile to standard error.
    class Command
      # What ends it early; then what is known is printed all the same.
      SIGNALS = { "INT" => 130, "TERM" => 143, "HUP" => 129 }.freeze
      private_constant :SIGNALS

      # @param argv [Array<String>] what follows `tune`
      # @return [Integer] exit status
      def self.run(argv)
        new(Options.new(argv)).run
      rescue ConfigurationError => e
        $stderr.puts("pitchfork: #{e.message}")
        1
      end

      # @param options [Options]
      def initialize(options)
        @options = options
      end

      # @return [Integer] exit status
      # @raise [ConfigurationError]
      def run
        return print_help if @options[:help]
        return record if @options[:record]

        require "pitchfork/tune/tuning"
        interruptible { tune }
      end

      private

      # @return [Integer] exit status
      def tune
        tuning = Tuning.new(@options)
        status = begin
          tuning.run
          0
        rescue Interrupted => e
          e.status
        rescue ConfigurationError
          tuning.report if tuning.any?
          raise
        end
        tuning.report ? status : [status, 1].max
      end

      def print_help
        $stdout.puts(@options.help)
        0
      end

      def record
        require "pitchfork/tune/recording"
        Recording.new(@options).run
      end

      # The first signal ends what is being waited for; those that follow do not disturb the end.
      def interruptible(&block)
        come = false
        first = lambda do |signal|
          Thread.main.raise(Interrupted.new(SIGNALS.fetch(signal))) unless come
          come = true
        end
        Traps.during(SIGNALS.keys, first) { Thread.handle_interrupt(Interrupted => :never, &block) }
      rescue Interrupted => e
        e.status # it came when there was nothing to wait for any more
      end
    end
  end
end

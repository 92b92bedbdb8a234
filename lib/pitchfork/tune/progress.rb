# frozen_string_literal: true

module Pitchfork
  module Tune
    # What is seen while it works: a line for each trial, and on a terminal a bar below them.
    class Progress
      BAR = 24
      CLEAR = "\r\e[K"
      private_constant :BAR, :CLEAR

      # @param output [IO]
      # @param deadline [Deadline]
      # @param seconds [Float] from the start to the deadline
      def initialize(output, deadline, seconds)
        @output = output
        @deadline = deadline
        @seconds = seconds
      end

      # @param text [String] a line that stays
      def say(text)
        @output.puts("#{CLEAR if terminal?}#{text}")
      end

      # @param number [Integer] of the trial, from 1
      # @param what [String]
      # @param best [String]
      def show(number, what, best)
        return unless terminal?

        line = "#{bar} #{clock} trial #{number}: #{what}#{" | best: #{best}" if best}"
        @output.print(CLEAR, line[0, [width - 1, 20].max])
        @output.flush
      end

      # @param run [Run]
      # @param number [Integer]
      def trial(number, run)
        measurement = run.measurement
        shown = measurement.failed? ? "failed: #{measurement.failure.lines.first.strip}" : figures(measurement)
        say(format("%<clock>s %<number>3d  %<shown>s  %<candidate>s", clock: clock, number: number, shown: shown, candidate: run.candidate))
      end

      def done
        @output.print(CLEAR) if terminal?
      end

      private

      def figures(measurement)
        format("%<pss>7.1f MiB, %<private>6.1f per worker, %<rate>6.0f/s, p99 %<p99>6.1f ms", **measurement.to_h)
      end

      def terminal?
        @output.tty?
      end

      def width
        require "io/console"
        @output.winsize.last
      rescue SystemCallError
        80
      end

      def bar
        filled = (BAR * (1 - (@deadline.left / @seconds))).round
        "[#{"#" * filled}#{"-" * (BAR - filled)}]"
      end

      def clock
        passed = (@seconds - @deadline.left).round
        format("%<passed>s/%<whole>s", passed: minutes(passed), whole: minutes(@seconds.round))
      end

      def minutes(seconds)
        format("%d:%02d", *seconds.divmod(60))
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/cow/size"

module Pitchfork
  module Tune
    # The lines to paste, with what was measured.
    class Recommendation
      # @param ranking [Ranking] with a baseline
      # @param time [String] when it was measured
      def initialize(ranking, time)
        @ranking = ranking
        @time = time
        @best = ranking.best
      end

      # @return [String] of a configuration file; empty when nothing is recommended
      def lines
        nothing? ? "" : [*comment, *@best.candidate.lines].join("\n") << "\n"
      end

      # @return [String] Markdown
      def to_s
        return "Nothing but the configuration as it is was measured yet." if @ranking.entries.size == 1 && @ranking.failures.empty?
        return "Nothing that was tried is better than the configuration as it is by more than the noise." if nothing?

        [*warning, "Add to the configuration file, in the place of the same words:\n\n```ruby\n#{lines}```"].join("\n\n")
      end

      private

      def nothing?
        @best.candidate.baseline?
      end

      def warning
        return if @best.count > 1 && @ranking.baseline.count > 1

        "Measured once only: take it for a hint. More time (`--minutes`) repeats the best ones; `--resume` goes on from here."
      end

      def comment
        said = [said(:pss, "PSS", "%.0f", " MiB"), said(:private, "private per worker", "%.1f", " MiB"), said(:rate, "requests/s", "%.0f"),
                said(:p99, "p99", "%.1f", " ms")]
        ["# pitchfork tune, #{@time}: #{Cow::Size.count(@best.count, "trial")} of these settings, #{@ranking.baseline.count} without them.",
         *said.map { |line| "# #{line}" }]
      end

      def said(figure, name, format, unit = "")
        now, before = [@best, @ranking.baseline].map { |entry| format(format, entry[figure]) }
        change = format("%+.0f %%", @ranking.difference(@best, figure) * 100)
        noise = "#{", within" unless @ranking.certain?(@best, figure)} #{format("±%.0f %%", @ranking.uncertainty(@best, figure) * 100)}"
        "#{name}: #{now}#{unit}, was #{before} (#{change}#{@ranking.certain?(@best, figure) ? "," : ""}#{noise} noise)"
      end
    end
  end
end

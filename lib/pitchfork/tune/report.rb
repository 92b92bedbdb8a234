# frozen_string_literal: true

require "pitchfork/cow/size"
require "pitchfork/report/table"
require "pitchfork/tune/recommendation"
require "pitchfork/tune/scatter"

module Pitchfork
  module Tune
    # What was found, as Markdown that is read as it is, and as a chart.
    class Report
      COLUMNS = ["#", "trials", "PSS MiB", "change", "private MiB", "change", "requests/s", "change", "p99 ms", "CPU ms", "settings"].freeze
      LEGEND = [
        "PSS: of all processes of the server. Private: of a worker, the mean of all, at the end of the measured requests. CPU: of the " \
        "workers, a request",
        "± is the spread of the trials of the row, from their mean. Percentages are to the configuration as it is, and stand in " \
        "parentheses when they are within the noise"
      ].freeze
      private_constant :COLUMNS, :LEGEND

      # @param ranking [Ranking] with a baseline
      # @param plan [Plan]
      # @param about [Hash{Symbol => Object}] title:, machine:, time: Strings; rounds: Array<State::Round>
      def initialize(ranking, plan, about)
        @ranking = ranking
        @plan = plan
        @about = about
        @recommendation = Recommendation.new(ranking, about[:time])
      end

      # @return [String] Markdown
      def to_s
        ["# #{@about[:title]}", facts, table, failures, @recommendation.to_s].compact.join("\n\n") << "\n"
      end

      # @return [String] SVG
      def chart
        Scatter.new(@ranking, @about[:title]).to_svg
      end

      # @return [String] lines of a configuration file; empty when nothing is recommended
      def settings
        @recommendation.lines
      end

      private

      def facts
        noise = @ranking.noise
        lines = [
          @about[:machine],
          duration,
          "#{Cow::Size.count(@ranking.entries.sum(&:count), "trial")} of #{Cow::Size.count(@ranking.entries.size, "candidate")}. " \
          "Each: #{Cow::Size.count(@plan.workers, "worker")}, " \
          "#{@plan.warmup} requests to warm up, with the reforks that its settings bring, then #{@plan.measured} measured, " \
          "#{@plan.workers} at a time",
          format("noise of a single trial (standard deviation): PSS %<pss>s, private %<private>s, requests/s %<rate>s, p99 %<p99>s",
                 **%i[pss private rate p99].to_h { |figure| [figure, format("%.1f %%", noise.share(figure) * 100)] }),
          *LEGEND, *strange_answers
        ]
        lines.map { |line| "* #{line}" }.join("\n")
      end

      def duration
        rounds = @about[:rounds]
        minutes = %i[taken given].to_h { |name| [name, rounds.sum(&name) / 60.0] }
        format("it took %<taken>.1f of the %<given>.1f minutes that were given, in %<rounds>s", **minutes,
               rounds: Cow::Size.count(rounds.size, "round"))
      end

      # Requests that are turned away cost little, and say little.
      def strange_answers
        statuses = @ranking.baseline.measurements.last.statuses
        refused = statuses.sum { |status, count| status.start_with?("4") ? count : 0 }
        share = refused.fdiv(statuses.values.sum)
        return [] if share < 0.05

        ["**#{(share * 100).round} % of the answers are refusals (#{statuses.keys.grep(/\A4/).sort.join(", ")}): is this the right list?**"]
      end

      def table
        rows = @ranking.entries.each_with_index.map { |entry, at| row(entry, at + 1) }
        rows.inject(Pitchfork::Report::Table.new(*COLUMNS)) { |table, cells| table << cells }.to_s
      end

      def row(entry, rank)
        mark = entry == @ranking.best ? "*" : ""
        slow = @ranking.slow?(entry) ? " (slower)" : ""
        ["#{rank}#{mark}", entry.count,
         spread(entry, :pss), change(entry, :pss), spread(entry, :private), change(entry, :private),
         spread(entry, :rate), change(entry, :rate), spread(entry, :p99), format("%.2f", entry[:cpu]),
         "#{entry.candidate}#{slow}"]
      end

      def spread(entry, figure)
        values = entry.values(figure)
        mean = entry[figure]
        apart = values.map { |value| (value - mean).abs }.max
        digits = mean < 100 ? 1 : 0
        entry.count > 1 ? format("%.#{digits}f ±%.#{digits}f", mean, apart) : format("%.#{digits}f", mean)
      end

      def change(entry, figure)
        return "" if entry.candidate.baseline?

        text = format("%+.0f %%", @ranking.difference(entry, figure) * 100)
        @ranking.certain?(entry, figure) ? text : "(#{text})"
      end

      def failures
        return if @ranking.failures.empty?

        lines = @ranking.failures.map { |candidate, reason| "* `#{candidate}`: #{reason.strip.gsub("\n", "\n  ")}" }
        "These can't be used here:\n\n#{lines.join("\n")}"
      end
    end
  end
end

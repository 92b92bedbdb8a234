# frozen_string_literal: true

require "pitchfork/cow/refork"
require "pitchfork/cow/size"
require "pitchfork/report/chart"
require "pitchfork/report/time_labels"

module Pitchfork
  module Cow
    # Sharing over time: how the workers of each generation lose it, and what each refork wins back.
    class SharingChart
      # A line that is a few hundred points wide can't show more of them.
      MOST_POINTS = 400
      private_constant :MOST_POINTS

      # @param samples [Array<Sample>] at least one
      def initialize(samples)
        @samples = samples
      end

      # @return [String]
      def to_svg
        chart = Report::Chart.new(
          title: "Copy-on-write over time", y: "MiB", x: Report::TimeLabels.upto(@samples.last.at), one_scale: false,
          note: "#{Size.count(@samples.last.workers, "worker")}, seen #{how_often}; marks: the first worker of a generation, " \
                "and what its refork won back per worker",
          marks: Refork.all(@samples).to_h { |refork| [refork.at, mark(refork)] }
        )
        chart.panel("Private memory of a worker, mean of each generation", generations)
        chart.panel("PSS of all processes", "all processes" => line(@samples, &:pss))
        chart.to_svg
      end

      private

      # As it was, not as it was meant: see {Pace}.
      def how_often
        return "once" if @samples.one?

        mean = @samples.last.at / (@samples.size - 1)
        "every #{format("%g", mean.round(mean < 1 ? 2 : 1))} s"
      end

      def generations
        @samples.flat_map { |sample| sample.generations.keys }.uniq.sort.to_h do |number|
          seen = @samples.select { |sample| sample.generations.key?(number) }
          ["gen:#{number}", line(seen) { |sample| sample.generations[number][:private] }]
        end
      end

      def mark(refork)
        ["gen:#{refork.generation}", *(format("%+.0f MiB", -refork.won.fdiv(Size::MIB)) if refork.won)].join(" ")
      end

      # With its first and last point, and as many in between as can be seen.
      def line(samples)
        step = [(samples.size / MOST_POINTS.to_f).ceil, 1].max
        shown = samples.each_slice(step).map(&:first) | samples.last(1)
        shown.map { |sample| [sample.at, yield(sample).fdiv(Size::MIB)] }
      end
    end
  end
end

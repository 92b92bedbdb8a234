# frozen_string_literal: true

require "pitchfork/report/scale"
require "pitchfork/report/svg"

module Pitchfork
  module Tune
    # Memory against throughput: a point for each candidate, numbered as in the table, with lines as long as the spread of its
    # trials. Down and to the right is better.
    class Scatter
      WIDTH = 640
      HEIGHT = 400
      LEFT = 72
      TOP = 64
      BOTTOM = 56
      COLORS = { baseline: "#c8102e", best: "#2e8b57", other: "#6b7280" }.freeze
      private_constant :WIDTH, :HEIGHT, :LEFT, :TOP, :BOTTOM, :COLORS

      # @param ranking [Ranking]
      # @param title [String]
      def initialize(ranking, title)
        @ranking = ranking
        @title = title
        @x = Pitchfork::Report::Scale::Linear.new(all(:rate))
        @y = Pitchfork::Report::Scale::Linear.new(all(:pss))
      end

      # @return [String]
      def to_svg
        svg = Pitchfork::Report::Svg.new(LEFT + WIDTH + 32, TOP + HEIGHT + BOTTOM)
        heading(svg)
        grid(svg)
        # The best are drawn last, on top of the others.
        @ranking.entries.each_with_index.reverse_each { |entry, at| point(svg, entry, at + 1) }
        svg.to_s
      end

      private

      def all(figure)
        @ranking.entries.flat_map { |entry| entry.values(figure) }
      end

      def heading(svg)
        svg.text([LEFT, 26], @title, size: 18, font_weight: "bold")
        svg.text([LEFT, 46], "numbers as in the table; ", fill: "#666")
        svg.text([LEFT + 150, 46], "as it is", fill: COLORS[:baseline], font_weight: "bold")
        svg.text([LEFT + 210, 46], "recommended", fill: COLORS[:best], font_weight: "bold")
        svg.text([LEFT + (WIDTH / 2), TOP + HEIGHT + 44], "requests/s", text_anchor: "middle")
        middle = TOP + (HEIGHT / 2)
        svg.text([18, middle], "PSS of all processes, MiB", text_anchor: "middle", transform: "rotate(-90 18 #{middle})")
      end

      def grid(svg)
        @y.ticks.each do |tick|
          svg.line([LEFT, y(tick)], [LEFT + WIDTH, y(tick)], stroke: "#ddd")
          svg.text([LEFT - 8, y(tick) + 4], tick.to_s, text_anchor: "end", fill: "#666")
        end
        @x.ticks.each do |tick|
          svg.line([x(tick), TOP], [x(tick), TOP + HEIGHT], stroke: "#ddd")
          svg.text([x(tick), TOP + HEIGHT + 20], tick.to_s, text_anchor: "middle", fill: "#666")
        end
      end

      def point(svg, entry, number)
        center = [x(entry[:rate]), y(entry[:pss])]
        color = color(entry)
        slowest, fastest = entry.values(:rate).minmax
        least, most = entry.values(:pss).minmax
        svg.line([x(slowest), center[1]], [x(fastest), center[1]], stroke: color)
        svg.line([center[0], y(least)], [center[0], y(most)], stroke: color)
        svg.circle(center, 4, fill: color)
        svg.text([center[0] + 7, center[1] - 6], number.to_s, size: 11, fill: color)
      end

      def color(entry)
        return COLORS[:baseline] if entry.candidate.baseline?

        COLORS[entry == @ranking.best ? :best : :other]
      end

      def x(value)
        LEFT + (@x.at(value) * WIDTH)
      end

      def y(value)
        TOP + HEIGHT - (@y.at(value) * HEIGHT)
      end
    end
  end
end

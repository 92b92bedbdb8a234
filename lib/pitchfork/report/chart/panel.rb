# frozen_string_literal: true

require_relative "labels"

module Pitchfork
  module Report
    class Chart
      # One field of a chart: its lines, the grid behind them, and what is written around them.
      class Panel
        WIDTH = 430
        HEIGHT = 300
        MARGIN = 24 # left and right of the lines
        MOST_DOTS = 20 # of a line; with more points it goes without
        private_constant :MARGIN, :MOST_DOTS

        # @param title [String]
        # @param lines [Hash{String => Array<(Numeric, Numeric)>}] points by name
        # @param marks [Hash{Numeric => String}]
        def initialize(title, lines, marks)
          @title = title
          @lines = lines.reject { |_, points| points.empty? }
          @marks = marks
        end

        # @return [Array<String>]
        def names
          @lines.keys
        end

        # @return [Array<Numeric>] all that the y axis must have room for
        def values
          @lines.values.flat_map { |points| points.map(&:last) }
        end

        # @return [Array<Numeric>] all that the x axis must have room for
        def positions
          @lines.values.flat_map { |points| points.map(&:first) } + @marks.keys
        end

        # @param corner [(Numeric, Numeric)] its upper left
        # @param labels [Hash{Numeric => String}] of the x axis
        # @param range [Range] of the x axis
        # @param scale [Scale] of the y axis
        # @param legend [Legend] knows what lines look like
        def draw(svg, corner, labels, range, scale, legend)
          @svg = svg
          @left, @top = corner
          @range = range
          @scale = scale
          svg.text([@left, @top - 18], @title, size: 14, font_weight: "bold")
          grid
          name(labels)
          mark
          @lines.each { |name, points| plot(points, legend.style(name)) }
          last_values(legend)
        end

        private

        def grid
          @scale.ticks.each_with_index do |tick, number|
            y = y_of(tick)
            @svg.line([@left, y], [@left + WIDTH, y], stroke: number.zero? ? "#333" : "#ddd")
            @svg.text([@left - 8, y + 4], format("%g", tick), text_anchor: "end", fill: "#666")
          end
        end

        def name(labels)
          placed = Labels.new(rows: [@top + HEIGHT + 20], size: 12)
          labels.reject { |_, label| label.empty? }.each { |position, label| placed.centre(@svg, x_of(position), label, fill: "#333") }
        end

        def mark
          placed = Labels.new(rows: [@top - 4, @top + 9], size: 10)
          @marks.sort.each do |position, text|
            x = x_of(position)
            @svg.line([x, @top], [x, @top + HEIGHT], stroke: "#999", stroke_dasharray: "3 4")
            placed.centre(@svg, x, text, fill: "#666")
          end
        end

        def plot(points, style)
          spots = points.map { |x, y| [x_of(x), y_of(y)] }
          @svg.polyline(spots, stroke_width: 2.5, **style)
          spots.each { |spot| @svg.circle(spot, 3.5, fill: style[:stroke]) } if spots.size <= MOST_DOTS
        end

        # The number at the end of each line, moved up, or else down, where it would cover another one. Those that find no room
        # are left out.
        def last_values(legend)
          placed = []
          @lines.sort_by { |_, points| points.last.last }.each do |name, points|
            x = x_of(points.last.first) + 8
            best = y_of(points.last.last).round + 4
            free = [*best.downto(@top), *best.upto(@top + HEIGHT)].find do |y|
              placed.none? { |other, height| (other - x).abs < 40 && (height - y).abs < 14 }
            end
            next unless free

            placed << [x, free]
            @svg.text([x, free], number(points.last.last), fill: legend.color(name), font_weight: "bold")
          end
        end

        def x_of(position)
          length = (@range.end - @range.begin).to_f
          @left + MARGIN + (length.zero? ? 0 : (position - @range.begin) * (WIDTH - (2 * MARGIN)) / length)
        end

        def y_of(value)
          @top + HEIGHT - (@scale.at(value) * HEIGHT)
        end

        def number(value)
          value < 10 ? format("%.1f", value) : value.round
        end
      end
    end
  end
end

# frozen_string_literal: true

require_relative "chart/legend"
require_relative "chart/panel"
require_relative "scale"
require_relative "svg"

module Pitchfork
  module Report
    # A line chart of one or more panels side by side, as SVG. The same chart gives the same bytes, everywhere.
    #
    #   chart = Pitchfork::Report::Chart.new(title: "Memory", y: "MiB", x: ["start", "load 1"])
    #   chart.panel("without YJIT", "puma" => [30.0, 160.0], "pitchfork" => [25.0, 70.0])
    #   File.write("memory.svg", chart.to_svg)
    class Chart
      LEFT = 64
      TOP = 92
      GAP = 70 # to the right of a panel, where the last values stand
      BOTTOM = 36 # for the names on the x axis
      private_constant :LEFT, :TOP, :GAP, :BOTTOM

      # @param title [String]
      # @param y [String] what the y axes show, with its unit
      # @param x [Array<String>, Hash{Numeric => String}] a label for each point, or "" (their positions are 0, 1, 2…); or
      #   the positions that have a label
      # @param note [String] a line of text below the title
      # @param marks [Hash{Numeric => String}] vertical lines at x positions, with their text
      # @param scale [Class] of the y axes: {Scale::Linear} or {Scale::Logarithmic}
      # @param one_scale [Boolean] whether all panels have the same y axis, so that they can be compared
      def initialize(title:, y:, x:, note: "", marks: {}, scale: Scale::Linear, one_scale: true)
        @title = title
        @note = note
        @y = y
        @x = x.is_a?(Hash) ? x : x.each_with_index.to_h { |label, at| [at, label] }
        @marks = marks
        @scale = scale
        @one_scale = one_scale
        @panels = []
      end

      # @param title [String]
      # @param series [Hash{String => Array}] values for the x positions 0, 1, 2…, or pairs of a position and a value. A name
      #   looks the same in all panels
      # @param marks [Hash{Numeric => String}] besides those that all panels have
      # @return [self]
      def panel(title, series, marks = {})
        lines = series.transform_values do |values|
          values.each_with_index.map { |value, at| value.is_a?(Array) ? value : [at, value] }
        end
        @panels << Panel.new(title, lines, @marks.merge(marks))
        self
      end

      # @return [String]
      def to_svg
        right = LEFT + (@panels.size * (Panel::WIDTH + GAP))
        width = [right, *[[@title, 18], [@note, 12]].map { |text, size| LEFT + Svg.width(text, size).ceil }].max
        legend = Legend.new(@panels.flat_map(&:names).uniq, width - (2 * LEFT))
        below = TOP + Panel::HEIGHT + BOTTOM
        svg = Svg.new(width, below + legend.height)
        head(svg)
        legend.draw(svg, LEFT, below)
        @panels.each_with_index do |panel, at|
          panel.draw(svg, [LEFT + (at * (Panel::WIDTH + GAP)), TOP], @x, range, scale_of(panel), legend)
        end
        svg.to_s
      end

      private

      def head(svg)
        svg.text([LEFT, 26], @title, size: 18, font_weight: "bold")
        svg.text([LEFT, 46], @note, fill: "#666")
        middle = TOP + (Panel::HEIGHT / 2)
        svg.text([18, middle], @y, text_anchor: "middle", transform: "rotate(-90 18 #{middle})")
      end

      def scale_of(panel)
        return @scale.new(panel.values) unless @one_scale

        @common ||= @scale.new(@panels.flat_map(&:values))
      end

      # From the first position to the last that anything has.
      def range
        @range ||= Range.new(*[*@x.keys, *@panels.flat_map(&:positions)].minmax)
      end
    end
  end
end

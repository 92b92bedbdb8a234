# frozen_string_literal: true

require_relative "scale"
require_relative "svg"

module Bench
  # A line chart of one or more panels side by side that share the y axis, as SVG.
  #
  #   chart = Bench::Chart.new(title: "Memory", y: "MiB", x: ["start", "load 1"])
  #   chart.panel("without YJIT", "puma" => [30.0, 160.0], "pitchfork" => [25.0, 70.0])
  #   File.write("memory.svg", chart.to_svg)
  class Chart
    COLORS = %w[#c8102e #1f6fb4 #6b7280 #2e8b57 #b8860b].freeze
    WIDTH = 430 # of a panel
    HEIGHT = 300
    LEFT = 64
    TOP = 92
    GAP = 70
    BOTTOM = 64
    MOST_DOTS = 20 # of a line; with more points it goes without
    private_constant :COLORS, :WIDTH, :HEIGHT, :LEFT, :TOP, :GAP, :BOTTOM, :MOST_DOTS

    # @param title [String]
    # @param y [String] what the y axis shows, with its unit
    # @param x [Array<String>] a label for each point, or ""
    # @param note [String] a line of text below the title
    # @param marks [Hash{Float => String}] vertical lines at x positions (0 is the first label), with their text
    # @param scale [Class] of the y axis: {Scale::Linear} or {Scale::Logarithmic}
    def initialize(title:, y:, x:, note: "", marks: {}, scale: Scale::Linear)
      @title = title
      @note = note
      @y = y
      @x = x
      @marks = marks
      @scale_class = scale
      @panels = []
    end

    # @param title [String]
    # @param series [Hash{String => Array<Numeric>}] a value for each x label; a name has the same colour in all panels
    # @param marks [Hash{Float => String}] besides those that all panels have
    # @return [self]
    def panel(title, series, marks = {})
      @panels << [title, series, @marks.merge(marks)]
      self
    end

    # @return [String]
    def to_svg
      svg = Svg.new(LEFT + (@panels.size * (WIDTH + GAP)), TOP + HEIGHT + BOTTOM)
      svg.text([LEFT, 26], @title, size: 18, font_weight: "bold")
      svg.text([LEFT, 46], @note, fill: "#666")
      svg.text([18, TOP + (HEIGHT / 2)], @y, text_anchor: "middle", transform: "rotate(-90 18 #{TOP + (HEIGHT / 2)})")
      legend(svg)
      @panels.each_with_index { |panel, at| draw(svg, LEFT + (at * (WIDTH + GAP)), *panel) }
      svg.to_s
    end

    private

    def names
      @panels.flat_map { |_, series| series.keys }.uniq
    end

    def color(name)
      COLORS[names.index(name) % COLORS.size]
    end

    def legend(svg)
      names.each_with_index do |name, at|
        left = LEFT + (at * 110)
        svg.line([left, TOP + HEIGHT + 48], [left + 24, TOP + HEIGHT + 48], stroke: color(name), stroke_width: 3)
        svg.text([left + 30, TOP + HEIGHT + 52], name)
      end
    end

    def draw(svg, left, title, series, marks)
      svg.text([left, TOP - 18], title, size: 14, font_weight: "bold")
      grid(svg, left)
      mark(svg, left, marks)
      series.each { |name, values| plot(svg, left, name, values) }
      last_values(svg, left, series)
    end

    def grid(svg, left)
      scale.ticks.each_with_index do |tick, number|
        y = y_of(tick)
        svg.line([left, y], [left + WIDTH, y], stroke: number.zero? ? "#333" : "#ddd")
        svg.text([left - 8, y + 4], format("%g", tick), text_anchor: "end", fill: "#666")
      end
      @x.each_with_index do |label, at|
        svg.text([x_of(left, at), TOP + HEIGHT + 20], label, text_anchor: "middle") unless label.empty?
      end
    end

    def mark(svg, left, marks)
      marks.each do |position, text|
        x = x_of(left, position)
        svg.line([x, TOP], [x, TOP + HEIGHT], stroke: "#999", stroke_dasharray: "3 4")
        svg.text([x, TOP - 4], text, size: 10, text_anchor: "middle", fill: "#666")
      end
    end

    def plot(svg, left, name, values)
      points = values.each_with_index.map { |value, at| [x_of(left, at), y_of(value)] }
      svg.polyline(points, stroke: color(name), stroke_width: 2.5)
      points.each { |point| svg.circle(point, 3.5, fill: color(name)) } if points.size <= MOST_DOTS
    end

    # The number at the end of each line, moved up where it would cover the one below.
    def last_values(svg, left, series)
      lowest = Float::INFINITY
      series.sort_by { |_, values| values.last }.each do |name, values|
        lowest = [y_of(values.last) + 4, lowest - 14].min
        svg.text([x_of(left, values.size - 1) + 8, lowest], number(values.last), fill: color(name), font_weight: "bold")
      end
    end

    def x_of(left, position)
      left + 24 + (position * (WIDTH - 48).fdiv([@x.size - 1, 1].max))
    end

    def y_of(value)
      TOP + HEIGHT - (scale.at(value) * HEIGHT)
    end

    def scale
      @scale ||= @scale_class.new(@panels.flat_map { |_, series| series.values }.flatten)
    end

    def number(value)
      value < 10 ? format("%.1f", value) : value.round
    end
  end
end

# frozen_string_literal: true

require "cgi/escape"

module Pitchfork
  module Report
    # Collects SVG elements. Attributes are keyword arguments, "_" standing for "-".
    class Svg
      FONT = "system-ui, sans-serif"
      # Of a letter, in parts of its size: on the safe side of what browsers' fonts have.
      LETTER = 0.6
      private_constant :FONT, :LETTER

      # @return [Float] about how long a text is going to be. Only who draws it knows the font
      def self.width(text, size)
        text.length * size * LETTER
      end

      def initialize(width, height)
        @width = width
        @height = height
        @elements = []
        rect(0, 0, width, height, fill: "#fff")
      end

      def rect(left, top, width, height, **attributes)
        add("rect", x: left, y: top, width: width, height: height, **attributes)
      end

      def line(from, to, **attributes)
        add("line", x1: from[0], y1: from[1], x2: to[0], y2: to[1], **attributes)
      end

      def polyline(points, **attributes)
        add("polyline", points: points.map { |point| point.map { |value| number(value) }.join(",") }.join(" "), fill: "none", **attributes)
      end

      def circle(center, radius, **attributes)
        add("circle", cx: center[0], cy: center[1], r: radius, **attributes)
      end

      def text(at, string, size: 12, fill: "#333", **attributes)
        add("text", string, x: at[0], y: at[1], font_size: size, fill: fill, **attributes)
      end

      def to_s
        <<~XML
          <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 #{@width} #{@height}" width="#{@width}" height="#{@height}" font-family="#{FONT}">
          #{@elements.join("\n")}
          </svg>
        XML
      end

      private

      def add(name, content = nil, **attributes)
        list = attributes.map { |key, value| %( #{key.to_s.tr("_", "-")}="#{CGI.escapeHTML(number(value))}") }.join
        @elements << (content ? "<#{name}#{list}>#{CGI.escapeHTML(content.to_s)}</#{name}>" : "<#{name}#{list}/>")
      end

      def number(value)
        value.is_a?(Float) ? format("%g", value.round(1)) : value.to_s
      end
    end
  end
end

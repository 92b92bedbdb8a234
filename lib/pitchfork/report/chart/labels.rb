# frozen_string_literal: true

require_relative "../svg"

module Pitchfork
  module Report
    class Chart
      # Texts in a few rows, from left to right. One that finds no row where it would not touch the text before it is left out.
      class Labels
        SPACE = 4
        private_constant :SPACE

        # @param rows [Array<Numeric>] their baselines, the preferred one first
        # @param size [Numeric] of the letters
        def initialize(rows:, size:)
          @size = size
          @ends = rows.to_h { |row| [row, -Float::INFINITY] }
        end

        # Called in rising order of `x`.
        def centre(svg, x, text, **attributes)
          half = Svg.width(text, @size) / 2
          row, = @ends.find { |_, filled| filled + SPACE <= x - half }
          return unless row

          @ends[row] = x + half
          svg.text([x, row], text, size: @size, text_anchor: "middle", **attributes)
        end
      end
    end
  end
end

# frozen_string_literal: true

require_relative "../svg"

module Pitchfork
  module Report
    class Chart
      # Which line is whose: as many rows as the names need. After ten names the colours begin again, with other dashes.
      class Legend
        COLORS = %w[#c8102e #1f6fb4 #6b7280 #2e8b57 #b8860b #7b3fa0 #d2691e #008b8b #c71585 #556b2f].freeze
        DASHES = [nil, "7 4", "2 4", "12 4 2 4"].freeze
        ROW = 20
        SAMPLE = 24 # of a line, before its name
        SPACE = 18 # after it
        private_constant :COLORS, :DASHES, :ROW, :SAMPLE, :SPACE

        # @param names [Array<String>]
        # @param width [Integer] of the widest row, but a longer name is not cut
        def initialize(names, width)
          @names = names
          @rows = [[]]
          names.each { |name| place(name, width) }
        end

        # @return [Integer]
        def height
          (@rows.size * ROW) + 8
        end

        # @return [Hash{Symbol => Object}] attributes of the name's line
        def style(name)
          at = @names.index(name)
          { stroke: COLORS[at % COLORS.size], stroke_dasharray: DASHES[at / COLORS.size % DASHES.size] }.compact
        end

        # @return [String]
        def color(name)
          style(name)[:stroke]
        end

        def draw(svg, left, top)
          @rows.each_with_index do |row, at|
            y = top + (at * ROW) + 12
            row.each do |name, offset|
              svg.line([left + offset, y], [left + offset + SAMPLE, y], stroke_width: 3, **style(name))
              svg.text([left + offset + SAMPLE + 6, y + 4], name)
            end
          end
        end

        private

        def place(name, width)
          room = SAMPLE + 6 + Svg.width(name, 12) + SPACE
          @filled = 0 if @rows.last.empty?
          if @filled.positive? && @filled + room > width
            @rows << []
            @filled = 0
          end
          @rows.last << [name, @filled]
          @filled += room
        end
      end
    end
  end
end

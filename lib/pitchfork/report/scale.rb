# frozen_string_literal: true

module Pitchfork
  module Report
    # An axis of numbers: which of them it names, and where the others lie between the first and the last.
    class Scale
      # @return [Array<Numeric>] what is named, in rising order
      attr_reader :ticks

      # In equal steps from 0, for what can be added.
      class Linear < Scale
        # @param values [Array<Numeric>] what is to fit
        def initialize(values)
          super()
          highest = [values.max.to_f, 10.0].max
          # 1, 2 or 5 times a power of ten, so that there are four to ten lines.
          power = 10**Math.log10(highest / 5.0).floor
          step = [1, 2, 5, 10].map { |factor| factor * power }.find { |size| size * 7 >= highest }.to_i
          @ticks = (0..(highest / step).ceil).map { |count| count * step }
        end

        # @return [Float] 0.0 at the first tick, 1.0 at the last
        def at(value)
          value.fdiv(ticks.last)
        end
      end

      # In equal factors, for what differs by orders of magnitude.
      class Logarithmic < Scale
        # @param values [Array<Numeric>] what is to fit, all above 0
        def initialize(values)
          super()
          least, most = values.minmax
          decades = Math.log10(least).floor..Math.log10(most).ceil
          ticks = decades.flat_map { |power| [1, 2, 5].map { |factor| factor * (10.0**power) } }
          @ticks = ticks[ticks.rindex { |tick| tick <= least }..ticks.index { |tick| tick > most }]
        end

        # @return [Float] 0.0 at the first tick, 1.0 at the last
        def at(value)
          Math.log(value.fdiv(ticks.first)) / Math.log(ticks.last.fdiv(ticks.first))
        end
      end
    end
  end
end

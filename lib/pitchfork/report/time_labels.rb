# frozen_string_literal: true

module Pitchfork
  module Report
    # The x axis of a {Chart} over time: whole seconds, minutes or hours, whatever suits its length.
    module TimeLabels
      # The steps that people count in, in seconds; beyond them, days.
      STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200].freeze
      UNITS = { 86_400 => "d", 3600 => "h", 60 => "min", 1 => "s" }.freeze
      MOST = 8
      private_constant :STEPS, :UNITS, :MOST

      # @param seconds [Numeric] length of the axis
      # @return [Hash{Integer => String}] labels by their position in seconds, from 0 on, with the same unit
      def self.upto(seconds)
        step = STEPS.find { |size| size * MOST >= seconds } || (86_400 * (seconds / (86_400.0 * MOST)).ceil)
        size, unit = UNITS.find { |length, _| (step % length).zero? }
        (0..seconds.floor).step(step).to_h { |at| [at, "#{at / size} #{unit}"] }
      end
    end
  end
end

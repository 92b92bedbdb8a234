# frozen_string_literal: true

module Pitchfork
  module Cow
    # How sizes are written for people.
    module Size
      MIB = 1024 * 1024

      # @return [String] for a column of MiB
      def self.column(bytes)
        format("%.1f", bytes.to_f / MIB)
      end

      # @return [String] for a sentence
      def self.mib(bytes)
        mib = bytes.to_f / MIB
        "#{format(mib.abs < 9.95 ? "%.1f" : "%.0f", mib)} MiB"
      end

      # @return [String] "1 refork", "2 reforks"
      def self.count(number, name)
        "#{number} #{name}#{"s" unless number == 1}"
      end

      # @return [String] "61 %"
      def self.percent(part, whole)
        format("%.0f %%", whole.zero? ? 0 : 100.0 * part / whole)
      end
    end
  end
end

# frozen_string_literal: true

module Bench
  # Repeated measurements of one thing.
  class Sample
    # @param values [Array<Numeric>]
    # @return [Float]
    def self.median(values)
      values.inject(new, :<<).median
    end

    def initialize
      @values = []
    end

    def <<(value)
      @values << value
      self
    end

    # @return [Float]
    def median
      sorted = @values.sort
      (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
    end

    def range
      @values.minmax
    end
  end
end

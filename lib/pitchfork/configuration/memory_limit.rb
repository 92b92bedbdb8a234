# frozen_string_literal: true

require "pitchfork/configuration/check"

module Pitchfork
  class Configuration
    # What `worker_memory_limit` takes: one measure with its limit, and perhaps a hard one.
    #
    #   MemoryLimit::CHECK.call({ private: "512M", hard: "1G" })  # => { measure: :private, soft: 536870912, hard: 1073741824 }
    module MemoryLimit
      MEASURES = %i[private pss].freeze
      UNITS = { "" => 1, "K" => 1 << 10, "M" => 1 << 20, "G" => 1 << 30, "T" => 1 << 40 }.freeze
      SIZE = /\A(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?\z/i
      private_constant :MEASURES, :UNITS, :SIZE

      module_function

      # @param value [Integer, String] bytes, or a number with K, M, G or T (1024 each), also as KB or KiB
      # @return [Integer, nil] bytes; nil: it is no size
      def bytes(value)
        size = value if value.is_a?(Integer)
        if value.is_a?(String) && (match = SIZE.match(value.strip))
          size = (match[1].to_r * UNITS.fetch(match[2].upcase)).to_i
        end
        size if size&.between?(1, (1 << 63) - 1)
      end

      # @param limits [Hash] as it is configured
      # @return [Hash{Symbol => Object}, nil] measure, soft and hard; nil: it is none
      def parse(limits)
        return unless limits.is_a?(Hash)

        measures = limits.keys & MEASURES
        soft = bytes(limits[measures.first])
        hard = bytes(limits[:hard])
        return unless measures.one? && soft && (limits.keys - measures - [:hard]).empty?
        return unless limits[:hard].nil? || (hard && hard > soft)

        { measure: measures.first, soft: soft, hard: hard }.freeze
      end

      CHECK = Check.new(
        "`private:` or `pss:`, and perhaps `hard:`, which is more: bytes, or a String such as \"512M\" or \"1.5G\"",
        normalize: method(:parse)
      ) { |value| parse(value) }
    end
  end
end

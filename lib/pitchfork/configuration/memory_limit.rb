# frozen_string_literal: true

require "pitchfork/configuration/check"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  class Configuration
    # What `worker_memory_limit` takes: one measure with its limit, and perhaps a hard one.
    #
    #   MemoryLimit::CHECK.call({ private: "512M", hard: "1G" })  # => { measure: :private, soft: 536870912, hard: 1073741824 }
    module MemoryLimit
      MEASURES = %i[private pss].freeze
      KEYWORDS = [*MEASURES, :hard].freeze
      UNITS = { "" => 1, "K" => 1 << 10, "M" => 1 << 20, "G" => 1 << 30, "T" => 1 << 40 }.freeze
      SIZE = /\A(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?\z/i
      BYTES = 'bytes, or a String such as "512M" or "1.5G"'
      EXPECTED = "`private:` or `pss:`, and perhaps `hard:`, which is more: #{BYTES}".freeze
      private_constant :MEASURES, :KEYWORDS, :UNITS, :SIZE, :BYTES, :EXPECTED

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
      # @return [Hash{Symbol => Object}] measure, soft and hard
      # @raise [ConfigurationError] which names the part that is wrong
      def parse(limits)
        measure = measure(limits)
        soft = size(limits, measure)
        hard = size(limits, :hard) unless limits[:hard].nil?
        if hard && hard <= soft
          raise ConfigurationError,
                "hard: expected more than #{measure}: #{Check.show(limits[measure])}, got #{Check.show(limits[:hard])}"
        end

        { measure: measure, soft: soft, hard: hard }.freeze
      end

      # @return [Symbol] the one that is given
      def measure(limits)
        unknown = (limits.keys - KEYWORDS).first
        raise ConfigurationError, "unknown keyword #{unknown}#{Suggestion.for(unknown, KEYWORDS)}" if unknown

        measures = limits.keys & MEASURES
        return measures.first if measures.one?

        raise ConfigurationError, "expected private: or pss:, got #{measures.empty? ? "hard: only" : "both"}"
      end

      # @return [Integer] bytes
      def size(limits, keyword)
        bytes(limits[keyword]) || raise(ConfigurationError, "#{keyword}: expected #{BYTES}, got #{Check.show(limits[keyword])}")
      end
      private_class_method :measure, :size

      CHECK = Check.new(EXPECTED, normalize: method(:parse)) { |limits| limits.is_a?(Hash) && limits.any? && parse(limits) }
    end
  end
end

# frozen_string_literal: true

require "ipaddr"
require "pitchfork/errors"

module Pitchfork
  class Configuration
    # What values a setting takes: a sentence for people and a test for the program.
    class Check
      # @return [String] completes "expected …"
      attr_reader :expected

      # @param expected [String]
      # @yieldparam value the value from the configuration file
      # @yieldreturn whether the setting takes it; the block may also raise what is wrong with a part of it (ConfigurationError)
      def initialize(expected, normalize: nil, &test)
        @expected = expected
        @normalize = normalize
        @test = test
      end

      # @return the value as the server wants it
      # @raise [ConfigurationError] "expected …, got …"
      def call(value)
        raise ConfigurationError, "expected #{expected}, got #{Check.show(value)}" unless @test.call(value)

        @normalize ? @normalize.call(value) : value
      end

      # The same check that also lets nil pass, for settings that can be unset.
      def or_nil
        test = @test
        normalize = @normalize
        unless_nil = ->(value) { value.nil? || !normalize ? value : normalize.call(value) }
        Check.new("#{expected} (or nil)", normalize: unless_nil) { |value| value.nil? || test.call(value) }
      end

      class << self
        def integer(range)
          expected = range.end ? "an Integer from #{range.begin} to #{range.end}" : "an Integer >= #{range.begin}"
          new(expected) { |value| value.is_a?(Integer) && range.cover?(value) }
        end

        def string
          new("a String that is not empty") { |value| value.is_a?(String) && !value.strip.empty? }
        end

        def file_mode
          new("an Integer from 0 to 0o777") { |value| value.is_a?(Integer) && (0..0o777).cover?(value) }
        end

        def seconds(zero: false)
          new("a number of seconds #{zero ? ">= 0" : "> 0"}") do |value|
            (value.is_a?(Integer) || value.is_a?(Float) || value.is_a?(Rational)) &&
              value.to_f.finite? && (zero ? value >= 0 : value.positive?)
          end
        end

        def names
          normalize = ->(values) { values.map { |name| name.to_s.to_sym }.freeze }
          new("an Array of different Symbols", normalize: normalize) do |values|
            values.is_a?(Array) && values.all? { |name| name.to_s.match?(/\A[\w.-]{1,40}\z/) } &&
              values.uniq(&:to_s).size == values.size
          end
        end

        def share
          new("a number from 0 to 1") { |value| value.is_a?(Numeric) && value.real? && (0..1).cover?(value) }
        end

        def boolean
          new("true or false") { |value| [true, false].include?(value) }
        end

        # For socket options that were a switch before they took seconds.
        def seconds_or_boolean
          normalize = ->(value) { { true => 1, false => 0 }.fetch(value, value) }
          new("an Integer >= 0, true or false", normalize: normalize) do |value|
            [true, false].include?(value) || (value.is_a?(Integer) && value >= 0)
          end
        end

        def one_of(*values)
          expected = "#{values[0..-2].map(&:inspect).join(", ")} or #{values.last.inspect}"
          new(expected) { |value| values.include?(value) }
        end

        def responding_to(*messages, name:)
          new("#{name} (an object with #{messages.join(", ")})") do |value|
            messages.all? { |message| value.respond_to?(message) }
          end
        end

        # Request limits, one a generation: [50, 100, 1000], or with false last to end there.
        def request_limits
          positive = ->(value) { value.is_a?(Integer) && value.positive? }
          normalize = ->(value) { value == false ? nil : Array(value).dup.freeze }
          new("an Array of Integers >= 1, of which the last may be false", normalize: normalize) do |value|
            next true if value == false || positive.call(value)
            next false unless value.is_a?(Array) && positive.call(value.first)

            value[0..-2].all?(&positive) && (value.last == false || positive.call(value.last))
          end
        end

        # Addresses, networks and :unix, as an Array of "address/prefix" and :unix.
        def networks
          normalize = ->(values) { values.map { |value| network(value) }.freeze }
          new("an Array of addresses, networks such as \"10.0.0.0/8\", and :unix", normalize: normalize) do |values|
            values.is_a?(Array) && values.all? { |value| network(value) }
          end
        end

        # @return [String] the value as a message shows it: one line, not too long
        def show(value)
          text = value.inspect.gsub(/\s+/, " ")
          text.length > 60 ? "#{text[0, 57]}..." : text
        end

        private

        # @return [String, :unix, nil] nil: it is none
        def network(value)
          return value if value == :unix
          return unless value.is_a?(String)

          address = IPAddr.new(value)
          "#{address}/#{address.prefix}" unless address.ipv6? && address.zone_id
        rescue IPAddr::Error
          nil
        end
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/configuration/check"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  class Configuration
    # The check of a setting that has parts, which can be switched off one by one, or all.
    #
    #   Switches.new(:compact, :trim).call({ compact: false })  # => [:trim]
    class Switches
      # @return [String] completes "expected …"
      attr_reader :expected

      # @param names [Array<Symbol>] of all parts, in their order
      def initialize(*names)
        @names = names.freeze
        @all = "#{names[0..-2].join(", ")} and #{names.last}"
        @expected = "true, false, or true or false for #{@all}"
      end

      # @param value [Boolean, Hash{Symbol => Boolean}, Array<Symbol>] an Array has those that are on
      # @return [Array<Symbol>] those that are on
      # @raise [ConfigurationError] which names the part that is wrong
      def call(value)
        switched_on(value).freeze
      end

      private

      def switched_on(value)
        case value
        when true then @names
        when false then []
        when Array then @names & value.each { |name| known!(name) }
        when Hash then @names - value.each { |name, on| known!(name) && boolean!(name, on) }.reject { |_, on| on }.keys
        else raise ConfigurationError, "expected #{expected}, got #{Check.show(value)}"
        end
      end

      def known!(name)
        @names.include?(name) || raise(ConfigurationError, "#{show(name)}: is none of #{@all}#{Suggestion.for(name, @names)}")
      end

      def boolean!(name, on)
        Check.boolean.call(on)
      rescue ConfigurationError => e
        raise ConfigurationError, "#{name}: #{e.message}"
      end

      # A word as it stands in the configuration file.
      def show(name)
        name.is_a?(Symbol) ? name : Check.show(name)
      end
    end
  end
end

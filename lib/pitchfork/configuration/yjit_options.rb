# frozen_string_literal: true

require "pitchfork/configuration/check"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  class Configuration
    # The check of `yjit`: true, false, or options that this Ruby's compiler has.
    module YjitOptions
      # Each option, and the first Ruby that has it.
      SINCE = { call_threshold: "3.1", exec_mem_size: "3.1", cold_threshold: "3.3", mem_size: "3.4" }.freeze

      # Ruby takes more without complaint, and then does not start, or takes minutes for it.
      MEBIBYTES = (1..2048).freeze
      private_constant :MEBIBYTES

      class << self
        # @return [String] completes "expected …"
        def expected
          "true, false or options such as call_threshold: 2"
        end

        # @param value [Object]
        # @return [Boolean, Hash{Symbol => Integer}]
        # @raise [ConfigurationError]
        def call(value)
          return value if [true, false].include?(value)

          raise ConfigurationError, "expected #{expected}, got #{Check.show(value)}" unless value.is_a?(Hash) && !value.empty?

          value.each { |option, number| check(option, number) }.dup.freeze
        end

        private

        def older_than?(version)
          Gem::Version.new(RUBY_VERSION) < Gem::Version.new(version)
        end

        def check(option, number)
          since = SINCE[option]
          raise ConfigurationError, "there is no such option#{Suggestion.for(option, SINCE.keys)}" unless since
          raise ConfigurationError, "needs Ruby #{since} or newer, this is #{RUBY_VERSION}" if older_than?(since)

          Check.integer(option.end_with?("mem_size") ? MEBIBYTES : (1..)).call(number)
        rescue ConfigurationError => e
          raise ConfigurationError, "#{option}: #{e.message}"
        end
      end
    end
  end
end

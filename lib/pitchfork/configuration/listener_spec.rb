# frozen_string_literal: true

require "pitchfork/address"
require "pitchfork/setting"
require "pitchfork/configuration/suggestion"

module Pitchfork
  # What to listen on and how: an {Address} and the options of `listen`, defaults filled in.
  class ListenerSpec
    # @return [Address]
    attr_reader :address
    # @return [Hash{Symbol => Object}] every keyword of `listen`
    attr_reader :options

    # @param value what {Address.parse} takes
    # @param given [Hash{Symbol => Object}] keywords of `listen`
    # @return [ListenerSpec]
    # @raise [ConfigurationError]
    def self.parse(value, given = {})
      new(Address.parse(value), given)
    end

    def initialize(address, given = {})
      @address = address
      @given = given.keys.freeze
      @options = complete(given).freeze
      freeze
    end

    # @param option [Symbol] a keyword of `listen`
    def [](option)
      options.fetch(option)
    end

    # @return [Array<Setting>] keywords that were written out and have no effect yet
    def planned
      Setting.listen_options.select { |setting| setting.planned? && @given.include?(setting.name) }
    end

    # Port 0 is a different port each time.
    def same_place?(other)
      address == other.address && address.port != 0
    end

    private

    def complete(given)
      known = Setting.listen_options.to_h { |setting| [setting.name, setting] }
      unknown = given.keys.find { |name| !known.key?(name) }
      if unknown
        raise ConfigurationError, "unknown option #{unknown}#{Configuration::Suggestion.for(unknown, known.keys)}"
      end

      options = known.transform_values(&:default).merge(check(given, known))
      options[:queues_per_worker] ||= [options[:queues] - 1, 1].max
      return options if options[:queues_per_worker] <= options[:queues]

      raise ConfigurationError, "queues_per_worker: expected at most queues (#{options[:queues]}), " \
                                "got #{options[:queues_per_worker]}"
    end

    def check(given, known)
      given.to_h do |name, value|
        [name, known[name].check.call(value)]
      rescue ConfigurationError => e
        raise ConfigurationError, "#{name}: #{e.message}"
      end
    end
  end
end

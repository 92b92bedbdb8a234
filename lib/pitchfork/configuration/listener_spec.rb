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
    # @return [Systemd::PassedSocket, nil] the socket that is used instead of a new one
    attr_reader :passed

    # @param value what {Address.parse} takes
    # @param given [Hash{Symbol => Object}] keywords of `listen`
    # @return [ListenerSpec]
    # @raise [ConfigurationError]
    def self.parse(value, given = {})
      new(Address.parse(value), given)
    end

    def initialize(address, given = {}, passed: nil)
      @address = address
      @given = given.dup.freeze
      @options = complete(given).freeze
      @passed = passed
      freeze
    end

    # The same for a socket that there is already.
    #
    # @param socket [Systemd::PassedSocket]
    # @return [ListenerSpec]
    def with(socket)
      ListenerSpec.new(address, @given, passed: socket)
    end

    # @param option [Symbol] a keyword of `listen`
    def [](option)
      options.fetch(option)
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

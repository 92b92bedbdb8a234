# frozen_string_literal: true

require "pitchfork/address"
require "pitchfork/configuration/listener_spec"
require "pitchfork/errors"
require "pitchfork/options/parser"

module Pitchfork
  # The command line, as a value. Parsing changes nothing outside of this object, so that the master
  # and the boot mold, which is started with the same arguments, can both do it.
  class Options
    DEFAULT_RACKUP = "config.ru"
    LISTENERS = %i[listen host port].freeze
    LISTS = %i[load_path requires eval_code].freeze

    # Parses a command line and the options in the first line of the .ru file it names.
    # What the command line says wins over that line.
    #
    # @param argv [Array<String>] not changed
    # @return [Options]
    # @raise [ConfigurationError]
    def self.parse(argv)
      values, arguments = Parser.parse(argv)
      if arguments.size > 1
        raise ConfigurationError, "unexpected argument #{arguments[1]}; the application is #{arguments[0]}"
      end

      options = new(values, rackup: arguments.first || DEFAULT_RACKUP)
      options.request ? options : options.with_embedded
    end

    # @return [String] path of the .ru or .rb file
    attr_reader :rackup
    # @return [Array<ListenerSpec>] of -l, and of -o and -p together
    attr_reader :listeners

    # @param values [Hash] what {Parser} found
    def initialize(values, rackup:)
      @values = values
      @rackup = rackup
      @listeners = parse_listeners.freeze
    end

    # @return [String, nil] path of the configuration file
    def config_file
      @values[:config_file]
    end

    # @return [String, nil] RACK_ENV
    def environment
      @values[:environment]
    end

    # @return [Symbol, nil] :help or :version, when that is all that was asked for
    def request
      @values[:request]
    end

    # @return [Boolean] -d
    def debug?
      @values.fetch(:debug, false)
    end

    # @return [Boolean] -w
    def warn?
      @values.fetch(:warn, false)
    end

    # @return [Array<String>] directories for $LOAD_PATH, absolute, in the order they are searched
    def load_path
      @values.fetch(:load_path, [])
    end

    # @return [Array<String>] libraries for the application
    def requires
      @values.fetch(:requires, [])
    end

    # @return [Array<String>] lines of code for the application
    def eval_code
      @values.fetch(:eval_code, [])
    end

    # The same options and those of a first line "#\ -p 3000 -E production" in the .ru file.
    #
    # @return [Options]
    # @raise [ConfigurationError]
    def with_embedded
      line = embedded_line
      return self unless line

      values, arguments = Parser.parse(line.split)
      raise ConfigurationError, "unexpected argument #{arguments.first}; expected options" if arguments.any?

      Options.new(under(values), rackup: rackup)
    rescue ConfigurationError => e
      raise ConfigurationError, "#{rackup}:1: #{e.message}"
    end

    private

    # Single values and listeners of these options replace the others; lists come first.
    def under(values)
      values = values.except(*LISTENERS) if @listeners.any?
      values.merge(@values) { |name, other, own| LISTS.include?(name) ? own + other : own }
    end

    def embedded_line
      return unless rackup.end_with?(".ru") && File.file?(rackup)

      first = File.open(rackup, "r:bom|utf-8") { |file| file.gets.to_s.scrub }
      first[/\A#\\\s*(.*)/, 1]
    end

    def parse_listeners
      specs = @values.fetch(:listen, []).map do |value|
        complaining_about("-l") { ListenerSpec.parse(value) }
      end
      host, port = @values.values_at(:host, :port)
      return specs unless host || port

      specs << complaining_about(port ? "-p" : "-o") do
        ListenerSpec.new(Address.tcp(host || Address::DEFAULT_HOST, port || Address::DEFAULT_PORT))
      end
    end

    def complaining_about(option)
      yield
    rescue ConfigurationError => e
      raise ConfigurationError, "#{option}: #{e.message}"
    end
  end
end

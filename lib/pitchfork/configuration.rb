# frozen_string_literal: true

require "logger"
require "pitchfork/configurator"
require "pitchfork/systemd"

module Pitchfork
  # Everything a server is started with; does not change after it was built.
  #
  #   configuration = Configuration.load(config_file: "config/pitchfork.rb", rackup: "config.ru")
  #   configuration.worker_processes                    # => 4
  #   configuration.callback(:after_worker_fork)        # => a callable, or nil
  class Configuration
    DEFAULT_FILE = "config/pitchfork.rb"

    # Every setting that holds a value is a reader; {SETTINGS} documents them.
    # Nil stands for a limit or a default that the setting's own documentation describes.
    (SETTINGS.map(&:name) - [:listen]).each do |name|
      define_method(name) { @values.fetch(name) }
    end

    # @return [Array<ListenerSpec>] at least one
    attr_reader :listeners
    # @return [Hash{Symbol => #call, nil}] every callback by its first name
    attr_reader :callbacks
    # @return [String, nil] absolute path of the .ru or .rb file
    attr_reader :rackup
    # @return [#call, nil] the application, when it is only an object in memory
    attr_reader :app
    # @return [Array<String>] the command line this configuration was made from
    attr_reader :argv
    # @return [String, nil] as it was given
    attr_reader :config_file
    # @return [String] RACK_ENV
    attr_reader :environment
    # @return [Array<String>] libraries to require before the application
    attr_reader :requires
    # @return [Array<String>] code to run before the application
    attr_reader :eval_code

    # Reads the configuration file and builds.
    #
    # @param config_file [String, nil] nil: config/pitchfork.rb, if there is one
    # @param listeners [Array<ListenerSpec>] served besides those of the file, which wins for the same address
    # @yieldparam configurator [Configurator] to override what the file says
    # @param context the other arguments of {#initialize}
    # @raise [ConfigurationError]
    def self.load(config_file: nil, listeners: [], **context)
      config_file ||= DEFAULT_FILE if File.file?(DEFAULT_FILE)
      configurator = Configurator.new
      configurator.load_file(config_file) if config_file
      yield configurator if block_given?
      new(configurator, config_file: config_file, listeners: listeners, **context)
    end

    # @param sockets [Array<Systemd::PassedSocket>] used for their addresses, and served besides those
    def initialize(configurator, listeners: [], rackup: nil, app: nil, argv: [], config_file: nil,
                   environment: "development", requires: [], eval_code: [], sockets: Systemd.given.sockets)
      @values = SETTINGS.to_h { |setting| [setting.name, setting.default] }.merge(configurator.values).freeze
      @values = @values.merge(logger: Logger.new($stderr)).freeze unless @values[:logger]
      @callbacks = CALLBACKS.to_h { |setting| [setting.name, configurator.callbacks[setting.name]] }.freeze
      @listeners = with_passed(merge(listeners, configurator.listeners), sockets)
      @rackup = rackup && File.expand_path(rackup).freeze
      @app = app
      @argv = argv.map { |argument| argument.dup.freeze }.freeze
      @config_file = config_file
      @environment = environment
      @requires = requires.dup.freeze
      @eval_code = eval_code.dup.freeze
      refuse_contradictions(configurator)
      freeze
    end

    # @param name [Symbol] of a callback, or one of its aliases
    # @return [#call, nil]
    # @raise [KeyError] when there is no such callback
    def callback(name)
      setting = Setting.find(name)
      @callbacks.fetch(setting ? setting.name : name)
    end

    # @return [Array<Symbol>] of the service workers; one, if there is only a callback for it
    def service_names
      service_workers || (callback(:before_service_worker_ready) ? [:service] : [])
    end

    # @return [Hash{Symbol => Object}] the settings about clients
    def http
      @values.slice(*HTTP_SETTINGS.map(&:name))
    end

    private

    def merge(given, configured)
      given.reject { |spec| configured.any? { |other| other.same_place?(spec) } } + configured
    end

    def with_passed(specs, sockets)
      left = sockets.dup
      specs = specs.map do |spec|
        socket = left.find { |candidate| candidate.serves?(spec.address) }
        left.delete(socket) ? spec.with(socket) : spec
      end
      specs += left.map { |socket| ListenerSpec.new(socket.address, passed: socket) }
      specs = [ListenerSpec.parse(Address::DEFAULT_PORT)] if specs.empty?
      specs.freeze
    end

    # In-place promotion takes a worker out of rotation before there is a replacement for it.
    def refuse_contradictions(configurator)
      refuse_late_yjit(configurator) if yjit == false && yjit_until_promotion == :first_worker
      return unless promotion == :in_place && refork_max_unavailable&.zero?

      complaint = "promotion :in_place contradicts refork_max_unavailable 0: promotion in place takes a worker out " \
                  "of rotation before it can be replaced; allow at least refork_max_unavailable 1, " \
                  "or use promotion :auto or :fork"
      raise ConfigurationError, [configurator.locations[:promotion], complaint].compact.join(": ")
    end

    def refuse_late_yjit(configurator)
      complaint = "yjit_until_promotion :first_worker contradicts yjit false: remove one of them"
      raise ConfigurationError, [configurator.locations[:yjit_until_promotion], complaint].compact.join(": ")
    end
  end
end

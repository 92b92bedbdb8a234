# frozen_string_literal: true

require "pitchfork/configuration"
require "pitchfork/release"
require "pitchfork/version"

module Pitchfork
  # What `rackup -s pitchfork` and `rails server -u pitchfork` call. The application is an object in memory here;
  # the configuration file is read as usual.
  module RackHandler
    # Options of ours among the many that rackup and Rails pass, and the settings they stand for.
    SETTINGS = { Workers: :worker_processes, Timeout: :timeout, early_hints: :early_hints }.freeze

    # The Port that rackup passes when none was asked for; one from its command line is a String.
    RACKUP_PORT = 9292
    RACKUP_HOSTS = ["localhost", "0.0.0.0"].freeze

    # Serves the application until the server is stopped. Exits the process when it fails.
    #
    # @param app [#call] a Rack application
    # @param options [Hash] of rackup, Rails or the caller; keys that are not ours are ignored
    def run(app, **options)
      Systemd.take
      configuration = RackHandler.configuration(app, options)
      require "pitchfork"
      status = Lifecycle.start(Release.new(configuration: configuration))
      exit(status) unless status.zero?
    rescue ConfigurationError, BindError, BootFailure => e
      $stderr.puts("pitchfork: #{e.message}")
      exit(1)
    end

    # @return [Hash{String => String}] for `rackup -s pitchfork -h`
    def valid_options
      {
        "Host=HOST" => "address to listen on (default: localhost)",
        "Port=PORT" => "port to listen on (default: 9292)",
        "Workers=N" => "number of workers (default: 1)",
        "Timeout=SECONDS" => "soft deadline of a request (default: 20)",
        "Config=FILE" => "configuration file (default: #{Configuration::DEFAULT_FILE} if there is one)"
      }
    end

    class << self
      # @return [Configuration]
      # @raise [ConfigurationError]
      def configuration(app, options)
        Configuration.load(
          config_file: options[:Config], app: app,
          environment: (options[:environment] || ENV["RACK_ENV"] || "development").to_s
        ) do |configurator|
          SETTINGS.each { |key, setting| override(configurator, key, setting, options[key]) }
          listen(configurator, options)
        end
      end

      private

      def override(configurator, key, setting, value)
        return if value.nil?

        number = Integer(value.to_s, 10, exception: false)
        configurator.set(setting, number || value, source: "-O #{key}")
      end

      # A host or a port that somebody asked for is served besides the listeners of the configuration file;
      # the defaults of rackup and Rails are used when there are none, and no sockets were passed either.
      def listen(configurator, options)
        asked = %i[Host Port].any? { |key| options[key] && asked_for?(key, options) }
        return unless options[:Host] || options[:Port]
        return unless asked || (configurator.listeners.empty? && Systemd.given.sockets.empty?)

        configurator.listen(address(options[:Host] || Address::DEFAULT_HOST, options[:Port] || RACKUP_PORT))
      end

      # Rails says which options were written out. Rackup does not.
      def asked_for?(key, options)
        return options[:user_supplied_options].include?(key) if options[:user_supplied_options]

        key == :Port ? options[:Port] != RACKUP_PORT : !RACKUP_HOSTS.include?(options[:Host])
      end

      def address(host, port)
        host.start_with?("/", "~", "unix:") ? Address.parse(host) : Address.tcp(host, port)
      end
    end
  end
end

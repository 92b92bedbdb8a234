# frozen_string_literal: true

require "logger"
require "pitchfork/boot_environment"

module Pitchfork
  # One version of what is served: its configuration, the sockets that go with it, and where its boot mold is executed.
  Release = Struct.new(:configuration, :listeners, :directory, :surroundings, keyword_init: true) do
    # @!attribute configuration
    #   @return [Configuration]
    # @!attribute listeners
    #   @return [Array<Listener>] in the order of the configuration, which the boot mold evaluates again
    # @!attribute directory
    #   @return [String] physical, so that the code of a version stays the same when a link is switched
    # @!attribute surroundings
    #   @return [Surroundings] as the configuration file has left them

    # @return [Hash{String => String}] for the boot mold
    def environment
      surroundings.environment
    end

    # Made once: that starts programs.
    #
    # @return [BootEnvironment]
    # @raise [ConfigurationError] when this machine does not have what the configuration asks for
    def boot_environment
      @boot_environment ||= BootEnvironment.new(configuration, environment)
    end

    # At its end, in the master. A Logger that was given a name, not an IO, is the only one that has its file open.
    #
    # @param current [Release] whose logger stays open
    def close_log(current)
      logger = configuration.logger
      return if logger.equal?(current.configuration.logger) || !logger.is_a?(Logger)

      logger.close if logger.instance_variable_get(:@logdev)&.filename
    end
  end
end

# frozen_string_literal: true

require "pitchfork/errors"
require "pitchfork/listeners"
require "pitchfork/privileges"
require "pitchfork/release"

module Pitchfork
  # The releases that the master knows, by version: the one in force, and those that hot restarts are to bring.
  #
  # Which of them boots when, and whether it succeeds, is the supervisor's decision; here is what belongs to each, and the
  # sockets that they share.
  class Releases
    NO_DEPLOYMENT = "the app is only an object in memory; start the server with the `pitchfork` command"

    # @return [Release] in force: the master's callbacks and logger are from its configuration
    attr_reader :current

    # @param release [Release] version 1
    # @param listeners [Listeners]
    # @param deployment [Deployment, nil] nil: there will be no other version
    def initialize(release, listeners, deployment)
      @current = release
      @version = 1
      @listeners = listeners
      @deployment = deployment
      @upcoming = {}
      @former = []
      @booted = @version
    end

    # Evaluates what there is now and binds its new listeners, trying once: the server has other things to do.
    #
    # @return [Release]
    # @raise [ConfigurationError, BindError] then everything is as before
    def read(logger)
      raise ConfigurationError, NO_DEPLOYMENT unless @deployment

      release = @deployment.read
      Privileges.of(release.configuration)
      release.boot_environment
      specs = release.configuration.listeners
      release.listeners = @listeners.bind(specs, logger, prefer: @current.listeners, tries: 0)
      release
    rescue BindError, ConfigurationError
      release&.close_log(@current)
      raise
    end

    # @param version [Integer]
    # @param release [Release] that was {#read}
    def []=(version, release)
      @upcoming[version] = release
    end

    # @return [Release] to boot a mold of
    def boot(version)
      return @current if version == @version

      @booted = version
      @upcoming.fetch(version)
    end

    # @return [Array<Listener>] bound for what has been booted, and not listening
    def silent_listeners
      (@upcoming[@booted] || @current).listeners.reject(&:listening?)
    end

    # A version has proved itself. What it does not listen on any more is still open for the older workers.
    #
    # @return [Array<String>] what a listener could not take over from its new options
    def commit(version)
      @former << @current
      @current = @upcoming.delete(version)
      @version = version
      @current.surroundings.enter
      @current.configuration.listeners.zip(@current.listeners).flat_map { |spec, listener| listener.respecify(spec) }
    end

    # @return [Boolean] whether a hot restart is under way
    def upcoming?
      !@upcoming.empty?
    end

    # A version has failed.
    def drop(version)
      let_go([@upcoming.delete(version)])
    end

    # No older worker is left.
    def settle
      let_go(@former.slice!(0..))
    end

    # The end.
    def close
      @listeners.close
    end

    private

    def let_go(releases)
      releases.each { |release| release.close_log(@current) }
      @listeners.keep_only(*[@current, *@former, *@upcoming.values].map(&:listeners))
    end
  end
end

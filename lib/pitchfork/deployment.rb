# frozen_string_literal: true

require "pitchfork/errors"
require "pitchfork/release"
require "pitchfork/ruby_command"
require "pitchfork/surroundings"

module Pitchfork
  # The command line that the user has given, and the place and the environment it was given in. A hot restart evaluates it
  # there again, as if the server was started now.
  class Deployment
    # To be made before a configuration file runs, which may change all of it.
    #
    # @param argv [Array<String>] of the `pitchfork` command
    def initialize(argv)
      @argv = argv
      @origin = Surroundings.now
    end

    # What the command itself has evaluated.
    #
    # @param configuration [Configuration]
    # @return [Release] without listeners
    def first(configuration)
      Release.new(configuration: configuration, directory: @origin.directory, surroundings: Surroundings.now)
    end

    # What is there now. This process is afterwards as it was before.
    #
    # @return [Release] without listeners
    # @raise [ConfigurationError] whatever the configuration file does
    def read
      here = Surroundings.now
      directory = go_there
      configuration = CLI.new(@argv).configuration
      Release.new(configuration: configuration, directory: directory, surroundings: Surroundings.now)
    rescue ConfigurationError
      raise
    rescue AppError, SystemExit => e
      raise ConfigurationError, [e.backtrace&.first.to_s[/\A.*?:\d+/], e.class, e.message].join(": ")
    ensure
      here.enter
    end

    private

    # @return [String] where {RubyCommand::DIRECTORY}, which may be a link, leads to now
    def go_there
      @origin.enter
      Dir.chdir(RubyCommand::DIRECTORY)
      Dir.pwd.tap { |directory| point_bundler_at(directory) }
    end

    # Bundler names the Gemfile by its physical path, which is the old code's when a link was switched.
    def point_bundler_at(directory)
      gemfile = ENV.fetch("BUNDLE_GEMFILE", "")
      inside = gemfile.delete_prefix("#{@origin.directory}/")
      ENV["BUNDLE_GEMFILE"] = File.join(directory, inside) unless inside == gemfile
    end
  end
end

# frozen_string_literal: true

require "pitchfork/deployment"
require "pitchfork/errors"
require "pitchfork/inheritance"
require "pitchfork/options"
require "pitchfork/ruby_command"
require "pitchfork/systemd"

module Pitchfork
  # The `pitchfork` command. Its mistakes are answered by one line on standard error and status 1.
  #
  # The same command line runs twice: in the master, and in the boot mold that the master executes with an {Inheritance}.
  class CLI
    # Commands besides serving, by the first word of the command line: the file and the name of a class below Pitchfork
    # whose `run(argv)` answers the exit status.
    COMMANDS = { "cow" => ["pitchfork/cow/command", "Cow"], "tune" => ["pitchfork/tune/command", "Tune"] }.freeze

    # Runs the command and exits with its status.
    #
    # @param argv [Array<String>]
    def self.start(argv)
      file, name = COMMANDS[argv.first]
      exit(file ? command(file, name).run(argv.drop(1)) : new(argv).run)
    end

    def self.command(file, name)
      require file
      Pitchfork.const_get(name)::Command
    end
    private_class_method :command

    # @param argv [Array<String>]
    def initialize(argv)
      @argv = argv.dup
    end

    # @return [Integer] exit status
    def run
      options = Options.parse(@argv)
      case options.request
      when :help then print_and_succeed(Options::Parser.help)
      when :version then print_and_succeed(version)
      else serve(options)
      end
    rescue ConfigurationError, BindError, BootFailure => e
      warn("pitchfork: #{e.message}")
      1
    end

    # What the command line and the files say now. A hot restart asks again.
    #
    # @return [Configuration]
    # @raise [ConfigurationError]
    def configuration(options = Options.parse(@argv))
      apply(options)
      require "pitchfork/app"
      require "pitchfork/configuration"
      rackup = App.find(options.rackup)
      Configuration.load(
        config_file: options.config_file, listeners: options.listeners, rackup: rackup, argv: @argv,
        environment: ENV.fetch("RACK_ENV"), requires: options.requires, eval_code: options.eval_code
      )
    end

    private

    def serve(options)
      inheritance = Inheritance.take
      Systemd.take
      deployment = Deployment.new(@argv)
      release = deployment.first(configuration(options))
      require "pitchfork" # the extension: not before --help, --version and mistakes are dealt with
      inheritance ? Lifecycle.boot(release.configuration, inheritance) : Lifecycle.start(release, deployment)
    end

    # What the configuration file, or the Ruby that runs it, can see.
    def apply(options)
      $LOAD_PATH.unshift(*options.load_path)
      $DEBUG = true if options.debug?
      $VERBOSE = true if options.warn?
      ENV["RACK_ENV"] = options.environment || ENV["RACK_ENV"] || "development"
    end

    # `warn` of Kernel is silent under `ruby -W0`.
    def warn(line)
      $stderr.puts(line)
    end

    def print_and_succeed(text)
      $stdout.puts(text)
      0
    end

    def version
      require "pitchfork/version"
      "pitchfork #{VERSION}"
    end
  end
end

# frozen_string_literal: true

require "pitchfork/cli"
require "pitchfork/tune/candidate"

module Pitchfork
  module Tune
    # The app and its configuration, as the command line names them.
    class Subject
      # @return [Configuration] as the user has it
      attr_reader :configuration
      # @return [String, nil] absolute path of the configuration file
      attr_reader :config_file
      # @return [Integer] workers of each trial
      attr_reader :workers

      # @param argv [Array<String>] what of the command line is for `pitchfork`, without -c and listeners
      # @param config_file [String, nil] nil: config/pitchfork.rb, if there is one
      # @param workers [Integer, nil] nil: as configured
      # @raise [ConfigurationError] for what `pitchfork` would not start with, either
      def initialize(argv, config_file: nil, workers: nil)
        @argv = argv
        @configuration = CLI.new(config_file ? ["-c", config_file, *argv] : argv).configuration
        @config_file = @configuration.config_file && File.expand_path(@configuration.config_file)
        @workers = workers || @configuration.worker_processes
      end

      # @return [String]
      def rackup
        configuration.rackup
      end

      # @param file [String] path of the configuration file that is used in place of the user's
      # @param socket [String, nil] path of a UNIX socket; it takes the place of listeners that the app's first line names
      # @return [Array<String>] of the `pitchfork` command
      def argv(file, socket = nil)
        ["-c", file, *(["-l", socket] if socket), *@argv]
      end

      # @return [Array<Integer, false>, nil] when a server with the candidate's settings is reforked
      def refork_after(candidate)
        candidate[:refork_after] || configuration.refork_after
      end

      # A configuration file: the user's own, with what makes it a trial. When to refork is ours to say, so that it does not
      # happen while throughput is measured; the log is ours to read; and nobody who knows the app's address or its pid file
      # meets a trial.
      #
      # @param candidate [Candidate]
      # @param socket [String] path of the UNIX socket to listen on
      # @return [String]
      def trial(candidate, socket)
        <<~RUBY
          # frozen_string_literal: true
          # One trial of `pitchfork tune`: the user's configuration, and what is tried.
          #{load_users}
          #{candidate.lines.join("\n")}
          listeners.clear
          listen #{socket.dump}
          logger Logger.new($stderr)
          worker_processes #{workers}
          pid nil
          canary_requests 0
          refork_after nil
          refork_when :requests
          #{"user nil" unless Process.euid.zero?}
        RUBY
      end

      # The user's own configuration, with a recorder in each worker.
      #
      # @param options [Hash{Symbol => Object}] of the {Recorder}
      # @return [String]
      def recorded(**options)
        <<~RUBY
          # frozen_string_literal: true
          # `pitchfork tune --record`: the user's configuration, and a recorder around the app.
          require "pitchfork/tune/recorder"
          #{load_users}
          before = callbacks[:after_worker_fork]
          after_worker_fork do |server, worker|
            before&.call(server, worker)
            Pitchfork::Tune::Recorder.install(server, #{Candidate.ruby(options)})
          end
        RUBY
      end

      private

      def load_users
        "load_file(#{config_file.dump})" if config_file
      end
    end
  end
end

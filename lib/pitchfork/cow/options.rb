# frozen_string_literal: true

require "optparse"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  module Cow
    # The command line of `pitchfork cow`, as a value.
    #
    # @!attribute pid
    #   @return [Integer, nil] the master
    # @!attribute pid_file
    #   @return [String, nil] path
    # @!attribute chart
    #   @return [String, nil] path of the picture
    # @!attribute seconds
    #   @return [Float, nil] of --for
    # @!attribute every
    #   @return [Float, nil] seconds
    # @!attribute who
    #   @return [Boolean] and `worker` is its number, if one was given
    Options = Struct.new(:pid, :pid_file, :json, :chart, :seconds, :every, :who, :worker, :help, keyword_init: true) do
      # @param argv [Array<String>] not changed
      # @return [Options]
      # @raise [ConfigurationError]
      def self.parse(argv)
        options = new
        arguments = options.parser.permute(argv)
        return options if options.help
        raise ConfigurationError, "unexpected argument #{arguments[1]}; the server is #{arguments[0]}" if arguments.size > 1

        options.master(arguments.first)
        options.check
      rescue OptionParser::InvalidOption => e
        option = e.args.first
        known = options.parser.top.list.grep(OptionParser::Switch).flat_map(&:long)
        nearest = Configuration::Suggestion.for(option, known)
        raise ConfigurationError, "unknown option #{option}#{nearest} (pitchfork cow --help lists them)"
      rescue OptionParser::ParseError => e
        raise ConfigurationError, "#{e.message} (pitchfork cow --help lists the options)"
      end

      # @return [String] what --help prints
      def self.text
        <<~TEXT
          #{new.parser.help}
          Shows what the processes of a running server share, what they have for themselves, and why, with advice. Without a pid:
          the only server of this user. Has to be run by the same user, or by root. Only --who asks the server for something.

          What it costs: the tables read every process once, and every worker's page map: 5 ms for 500 MiB. --chart reads the sums
          only, one process at a time, and rests so long after each that it takes 0.5 % of a processor at most. --who costs the worker
          0.05 s of its processor time at most, which is 0.5 % of the 10 s that it lasts without --for.
        TEXT
      end

      # @api private
      def parser
        parser = OptionParser.new("Usage: pitchfork cow [options] [PID]", 22)
        parser.on("--pid-file FILE", "the server whose master's pid is in FILE") { |path| self.pid_file = path }
        parser.on("--json", "for machines (docs/cow.md)") { self.json = true }
        parser.on("--chart FILE", "watch the server until Ctrl-C, then write a picture (SVG)") { |path| self.chart = path }
        parser.on("--for SECONDS", Float, "end of --chart, or length of --who") { |seconds| self.seconds = seconds }
        parser.on("--every SECONDS", Float, "from sample to sample of --chart (default: 5)") { |seconds| self.every = seconds }
        parser.on("--who [WORKER]", Integer, "whose writes break the sharing, in this worker or in any") do |number|
          self.who = true
          self.worker = number
        end
        parser.on("-h", "--help", "print this help") { self.help = true }
        parser
      end

      # @api private
      def master(argument)
        return if argument.nil?
        raise ConfigurationError, "#{argument} is no pid; expected the master's, or --pid-file FILE" unless argument.match?(/\A[1-9]\d*\z/)
        raise ConfigurationError, "the pid #{argument} and --pid-file both name a server; give one of them" if pid_file

        self.pid = argument.to_i
      end

      # @api private
      def check
        { "--for" => seconds, "--every" => every }.each do |option, value|
          raise ConfigurationError, "#{option} #{value}: expected seconds > 0" unless value.nil? || value.positive?
        end
        raise ConfigurationError, "--every needs --chart FILE" if every && !chart
        raise ConfigurationError, "--for needs --chart FILE or --who" if seconds && !chart && !who
        raise ConfigurationError, "--who can't be combined with --chart and --json" if who && (chart || json)
        raise ConfigurationError, "--who #{worker}: expected the number of a worker" if worker&.negative?

        self
      end
    end
  end
end

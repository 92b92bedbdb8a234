# frozen_string_literal: true

require "optparse"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  class Options
    # The switches of the command line, their help, and what is said about a wrong one.
    class Parser
      BANNER = "Usage: pitchfork [options] [config.ru]"

      # @param argv [Array<String>] not changed
      # @return [(Hash{Symbol => Object}, Array<String>)] what was set, and the other arguments
      # @raise [ConfigurationError]
      def self.parse(argv)
        parser = new
        [parser.values, parser.parse(argv)]
      end

      # @return [String] the text of --help
      def self.help
        new.help
      end

      # @return [Hash{Symbol => Object}] options that were given
      attr_reader :values

      def initialize
        @values = {}
        @parser = OptionParser.new(BANNER, 30)
        server_options
        ruby_options
        other_options
      end

      # @return [Array<String>] the arguments that are no options
      def parse(argv)
        @parser.permute(argv)
      rescue OptionParser::ParseError => e
        raise ConfigurationError, describe(e)
      end

      def help
        @parser.help
      end

      private

      def server_options
        @parser.separator("\nServer options:")
        set(:config_file, "-c", "--config-file FILE", "configuration (default: config/pitchfork.rb if there is one)")
        add(:listen, "-l", "--listen ADDRESS", "HOST:PORT or PATH; may be repeated (default: 0.0.0.0:8080)")
        set(:host, "-o", "--host HOST", "listen on HOST (default: 0.0.0.0)")
        set(:port, "-p", "--port PORT", "listen on PORT (default: 8080)")
        set(:environment, "-E", "--env NAME", "RACK_ENV (default: development)")
        @parser.on("-s", "--server NAME", "accepted as rackup does; no effect") { |_name| nil }
      end

      def ruby_options
        @parser.separator("\nRuby options:")
        @parser.on("-I", "--include PATH", "add to $LOAD_PATH; may be repeated, or separated by colons") do |path|
          directories = path.split(File::PATH_SEPARATOR).map { |directory| File.expand_path(directory) }
          (@values[:load_path] ||= []).concat(directories)
        end
        add(:requires, "-r", "--require LIBRARY", "require LIBRARY before the application is loaded")
        add(:eval_code, "-e", "--eval LINE", "run LINE before the application is loaded")
        set(:debug, "-d", "--debug", "set $DEBUG")
        set(:warn, "-w", "--warn", "turn warnings on")
      end

      def other_options
        @parser.separator("\nOther options:")
        @parser.on("-h", "--help", "print this help") { @values[:request] = :help }
        @parser.on("-v", "--version", "print the version") { @values[:request] ||= :version }
      end

      def set(name, *definition)
        @parser.on(*definition) { |value| @values[name] = value }
      end

      def add(name, *definition)
        @parser.on(*definition) { |value| (@values[name] ||= []) << value }
      end

      def describe(error)
        option = error.args.first
        case error
        when OptionParser::InvalidOption
          "unknown option #{option}#{suggestion(option)} (pitchfork --help lists them)"
        when OptionParser::MissingArgument then "option #{option} needs a value"
        else error.message
        end
      end

      def suggestion(option)
        return "" unless option.start_with?("--")

        known = @parser.top.list.grep(OptionParser::Switch).flat_map(&:long)
        Configuration::Suggestion.for(option[/\A[^=]+/], known)
      end
    end
  end
end

# frozen_string_literal: true

require "optparse"
require "pitchfork/errors"
require "pitchfork/tune/candidates"
require "pitchfork/tune/ranking"

module Pitchfork
  module Tune
    # The command line of `pitchfork tune`.
    class Options
      BANNER = "Usage: pitchfork tune [options] --requests FILE [config.ru]\n       pitchfork tune [options] --record FILE [config.ru]"
      EXPLANATION = <<~TEXT

        Boots the app with other settings again and again, replays the requests, measures memory and throughput, and
        prints what was found, with the lines to paste. The requests are really made, some hundreds of thousands of
        times in all: give the app a database and services that may be written to.
      TEXT
      # Of the `pitchfork` command, which are passed on to it.
      PASSED = [
        ["-E", "--env NAME", "RACK_ENV (default: production)"], ["-I", "--include PATH", "add to $LOAD_PATH; may be repeated"],
        ["-r", "--require LIBRARY", "require LIBRARY before the application is loaded"],
        ["-e", "--eval LINE", "run LINE before the application is loaded"]
      ].freeze
      LISTENERS = [["-l", "--listen ADDRESS", "as `pitchfork` has it, for --record"], ["-o", "--host HOST", "the same"],
                   ["-p", "--port PORT", "the same"]].freeze
      private_constant :PASSED, :LISTENERS

      # @return [Hash{Symbol => Object}] requests:, record:, workers:, minutes:, out:, resume:, goal:, only:, config_file:, help:
      attr_reader :values

      # @param argv [Array<String>] not changed
      # @raise [ConfigurationError]
      def initialize(argv)
        @values = { minutes: 10.0, out: "pitchfork-tune", goal: :balance, headers: [], body: 64 * 1024 }
        @passed = []
        @listeners = []
        @parser = OptionParser.new(BANNER, 30)
        define
        @arguments = @parser.permute(argv)
        check unless @values[:help]
      rescue OptionParser::ParseError => e
        raise ConfigurationError, "tune: #{e.message} (pitchfork tune --help lists the options)"
      end

      # @return [Object, nil]
      def [](name)
        @values[name]
      end

      # @return [String]
      def help
        @parser.help
      end

      # @return [Array<String>] for the `pitchfork` command, without configuration file
      def argv
        [*(["-E", "production"] unless @passed.include?("-E") || ENV.key?("RACK_ENV")), *@passed, *@arguments]
      end

      # @return [Array<String>] the same, for a server that is to be used
      def serving_argv
        [*@listeners, *argv]
      end

      private

      def define
        @parser.separator(EXPLANATION)
        requests
        @parser.separator("\nThe search:")
        search
        @parser.separator("\nThe app, as for `pitchfork`:")
        set(:config_file, "-c", "--config-file FILE", "configuration (default: config/pitchfork.rb if there is one)")
        PASSED.each { |short, *rest| @parser.on(short, *rest) { |value| @passed.push(short, value) } }
        LISTENERS.each { |short, *rest| @parser.on(short, *rest) { |value| @listeners.push(short, value) } }
        @parser.on("-h", "--help", "print this help") { @values[:help] = true }
      end

      def requests
        @parser.separator("\nThe requests:")
        set(:requests, "--requests FILE", "replay these: `GET /path`, JSON or an access log, one a line")
        set(:record, "--record FILE", "serve the app, and write the requests that come to FILE, until Ctrl-C")
        @parser.on("--record-header NAME", "record this header, too; may be repeated. Cookie and Authorization are secrets") do |name|
          @values[:headers] << name
        end
        set(:body, "--record-body BYTES", Integer, "leave requests out whose body is larger (default: 65536)")
      end

      def search
        set(:minutes, "--minutes M", Float, "stop after so long (default: 10)")
        set(:workers, "--workers N", Integer, "workers of each trial (default: worker_processes)")
        set(:out, "--out DIR", "report, chart and state (default: pitchfork-tune)")
        set(:resume, "--resume", "go on with what is in DIR")
        set(:goal, "--for GOAL", Ranking::GOALS, "balance: least memory without loss of throughput (default); memory; throughput")
        @parser.on("--only NAME,NAME", Array, "change these settings only, such as allocator,gc,yjit") do |names|
          @values[:only] = names.map(&:to_sym)
        end
      end

      def set(name, *definition)
        @parser.on(*definition) { |value| @values[name] = value }
      end

      def check
        raise ConfigurationError, "tune: unexpected argument #{@arguments[1]}; the application is #{@arguments[0]}" if @arguments.size > 1
        if [@values[:requests], @values[:record]].compact.size != 1
          raise ConfigurationError, "tune: name the requests by --requests FILE, or record them by --record FILE"
        end

        expect("--minutes", @values[:minutes], "a number > 0") { |minutes| minutes.positive? && minutes.finite? }
        expect("--workers", @values[:workers], "an Integer from 1 to 1024") { |workers| workers.nil? || (1..1024).cover?(workers) }
        expect("--record-body", @values[:body], "an Integer >= 0") { |bytes| !bytes.negative? }
        known = Candidates::NAMES
        expect("--only", @values[:only], "some of #{known.join(",")}") { |names| names.nil? || (names.any? && (names - known).empty?) }
      end

      def expect(option, value, expected)
        return if yield(value)

        shown = value.is_a?(Array) ? value.join(",") : value
        raise ConfigurationError, "tune: #{option}: expected #{expected}, got #{shown}"
      end
    end
  end
end

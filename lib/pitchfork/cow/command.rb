# frozen_string_literal: true

require "pitchfork/cow/master"
require "pitchfork/cow/options"
require "pitchfork/errors"

module Pitchfork
  # `pitchfork cow`: what a running server's processes share, and why not more.
  module Cow
    # The command: finds the server, reads it, and prints.
    class Command
      WHO_SECONDS = 10
      private_constant :WHO_SECONDS

      # @param argv [Array<String>] without "cow"
      # @return [Integer] exit status
      def self.run(argv, out: $stdout, err: $stderr)
        options = Options.parse(argv)
        return new(options, out, err).run unless options.help

        out.puts(Options.text)
        0
      rescue ConfigurationError => e
        err.puts("pitchfork cow: #{e.message}")
        1
      rescue Errno::ESRCH, Errno::ENOENT # of /proc: each other file has an error of its own
        err.puts("pitchfork cow: the server, or that worker, has just ended")
        1
      rescue Errno::EPIPE
        1 # whoever read it has enough
      end

      def initialize(options, out, err)
        @options = options
        @out = out
        @err = err
      end

      # @return [Integer] exit status
      def run
        server = master
        require "pitchfork/memory" # the extension: not before --help and mistakes are dealt with
        return who(server) if @options.who

        @options.chart ? watch(server) : look(server)
      end

      private

      # @return [Integer] pid
      def master
        Master.new.find(pid: @options.pid, pid_file: @options.pid_file)
      end

      def look(master)
        require "pitchfork/cow/reader"
        snapshot = Reader.new(master).all
        @out.puts(@options.json ? json.snapshot(snapshot) : page.of(snapshot))
        0
      end

      def watch(master)
        %w[interruption reader sharing_chart watch whole_file].each { |name| require "pitchfork/cow/#{name}" }
        file = WholeFile.new(@options.chart)
        samples = Interruption.watch { |interruption| sample(master, interruption) }
        file.write(SharingChart.new(samples).to_svg)
        @out.puts(@options.json ? json.samples(samples) : page.summary(samples, @options.chart))
        0
      ensure
        file&.close
      end

      def sample(master, interruption)
        reader = Reader.new(master, pace: Pace.new(interruption.method(:sleep)))
        watch = Watch.new(reader, interruption, every: every, seconds: @options.seconds, slow: method(:slow))
        watch.run { @err.puts("pitchfork cow: watching #{master}; Ctrl-C ends it and writes #{@options.chart}") }
        @err.puts("pitchfork cow: #{watch.failure}; this is what was seen of it") if watch.failure
        watch.samples
      end

      def slow(seconds)
        @err.puts("pitchfork cow: a sample takes #{format("%.1f", seconds)} s, so as to cost #{format("%g", Pace::SHARE * 100)} % of a " \
                  "processor at most: they come less often than every #{format("%g", every)} s")
      end

      def who(master)
        require "pitchfork/cow/who"
        Who.run(master, worker: @options.worker, seconds: @options.seconds || WHO_SECONDS, out: @out)
      end

      def every
        @options.every || 5.0
      end

      def json
        require "pitchfork/cow/json"
        Json
      end

      def page
        require "pitchfork/cow/page"
        Page
      end
    end
  end
end

# frozen_string_literal: true

require "etc"
require "fileutils"
require "pitchfork"
require "pitchfork/cow/size"
require "pitchfork/tune/facts"
require "pitchfork/tune/fingerprint"
require "pitchfork/tune/progress"
require "pitchfork/tune/report"
require "pitchfork/tune/request_list"
require "pitchfork/tune/session"
require "pitchfork/tune/state"
require "pitchfork/tune/subject"

module Pitchfork
  module Tune
    # `pitchfork tune --requests`: from the command line to the report.
    class Tuning
      # @param options [Options]
      # @raise [ConfigurationError]
      def initialize(options)
        @options = options
        @directory = File.expand_path(options[:out])
        @list = RequestList.read(options[:requests])
        requests = File.expand_path(options[:requests])
        @subject = Subject.new(options.argv, config_file: options[:config_file], workers: options[:workers])
        @state = State.open(@directory, Fingerprint.of(@subject, requests), resume: options[:resume])
        make(@directory)
      end

      # Makes trials until the time is over.
      #
      # @raise [ConfigurationError] when the app does not work with the user's own configuration
      def run
        seconds = @options[:minutes] * 60
        deadline = Deadline.in(seconds)
        progress = Progress.new($stderr, deadline, seconds)
        left_out(progress) if @list.left_out.positive?
        session = Session.new(@subject, @list, @state, progress, deadline: deadline, seconds: seconds, goal: @options[:goal],
                              only: @options[:only], failed_log: File.join(@directory, "failed.log"))
        @state.round(seconds) { session.run }
      end

      # @return [Boolean] whether there is something to report
      def any?
        @state.runs.any?
      end

      # Prints what is known, and writes it to files.
      #
      # @return [Boolean] whether anything is
      def report
        unless any?
          $stderr.puts("pitchfork: tune: nothing was measured; give it more time by --minutes")
          return false
        end
        report = Report.new(Ranking.new(@state.runs, goal: @options[:goal]), @state.plan, about)
        $stdout.puts(report)
        files = { "report.md" => report.to_s, "chart.svg" => report.chart, "settings.rb" => report.settings }
        files.each { |name, text| File.write(File.join(@directory, name), text) }
        $stderr.puts("written to #{@options[:out]}: #{files.keys.join(", ")}")
        true
      end

      private

      def left_out(progress)
        progress.say("left out, for their bodies are not there: #{Cow::Size.count(@list.left_out, "line")} of the access log")
      end

      def make(directory)
        FileUtils.mkdir_p(directory)
      rescue SystemCallError => e
        raise ConfigurationError, "tune: --out #{directory}: #{e.message}"
      end

      def about
        app = File.join(File.basename(File.dirname(@subject.rackup)), File.basename(@subject.rackup))
        yjit = Facts.new(@subject.configuration).yjit_on? ? "with YJIT" : "without YJIT"
        time = @state.started.strftime("%Y-%m-%d")
        { title: "pitchfork tune: #{app}", time: time, rounds: @state.rounds,
          machine: "#{time}, Ruby #{RUBY_VERSION} #{yjit} unless a setting says otherwise, #{Etc.nprocessors} processors, " \
                   "Linux #{Etc.uname[:release]}, pitchfork #{VERSION}" }
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/tune/candidates"
require "pitchfork/tune/deadline"
require "pitchfork/tune/search"
require "pitchfork/tune/trial"

module Pitchfork
  module Tune
    # One tuning: trial after trial, until the time is over, somebody interrupts it, or nothing is left to be learned.
    class Session
      # Trials that there should be time for: the search then sees every setting and repeats the best.
      TRIALS = 28
      # Seconds of a trial besides the boot and the load: three reforks, start and end of processes.
      OVERHEAD = 4
      # The least load, when booting takes all the time there is.
      LEAST_LOAD = 3
      # A boot, or a trial, that takes so many times as long as others has hung, or is nothing that anybody would wait for.
      PATIENCE = 3
      private_constant :TRIALS, :OVERHEAD, :LEAST_LOAD, :PATIENCE

      # @param subject [Subject]
      # @param list [RequestList]
      # @param state [State]
      # @param deadline [Deadline]
      # @param seconds [Float] from the start to the deadline
      # @param options [Hash] goal:, only:, failed_log:, see {Options}
      def initialize(subject, list, state, progress, deadline:, seconds:, **options)
        @subject = subject
        @list = list
        @state = state
        @progress = progress
        @deadline = deadline
        @seconds = seconds
        @options = options
      end

      # @raise [ConfigurationError] when the user's own configuration does not serve its requests
      def run
        @state.plan || calibrate
        search = search()
        while (candidate = search.next(@state.runs, trials_left: (@deadline.left / cost).floor))
          try(candidate)
        end
      rescue OutOfTime
        nil # what is known is known
      ensure
        @progress.done
      end

      private

      def search
        facts = Facts.new(@subject.configuration)
        candidates = Candidates.new(facts, @state.plan, only: @options[:only])
        Search.new(candidates.space, presets: candidates.presets, goal: @options[:goal], sensible: candidates.method(:sensible?))
      end

      # Of every moment that is spent here, some are missing later.
      def calibrate
        @progress.say("finding out how long a boot and a request take")
        rate, boot = trial(Candidate.new).calibrate([@seconds / 100, 1.0].max, @deadline) { |phase| show(phase) }
        share = @seconds / TRIALS
        load = [share - boot - OVERHEAD, [share, LEAST_LOAD].min].max
        @state.plan = Plan.for(rate: rate, seconds: load, workers: @subject.workers)
        @expected = boot + load + OVERHEAD
        @progress.say(format("boot %.1f s, %.0f requests/s; each trial: %d requests to warm up, %d measured", boot, rate,
                             @state.plan.warmup, @state.plan.measured))
      rescue Failed => e
        raise ConfigurationError, "the app does not serve its requests with the configuration as it is: #{e.message}"
      end

      def try(candidate)
        started = Deadline.now
        limit = @deadline.within(PATIENCE * [cost, OVERHEAD].max)
        measurement = begin
          trial(candidate).run(@state.plan, limit, patience: patience) { |phase| show("#{candidate} (#{phase})") }
        rescue OutOfTime
          raise if @deadline.passed?

          Measurement.new(failure: "took more than #{PATIENCE} times as long as others", seconds: Deadline.now - started)
        end
        refuse(measurement) if candidate.baseline? && measurement.failed?
        @state << Run.new(candidate, measurement)
        @progress.trial(@state.runs.size, @state.runs.last)
      end

      def refuse(measurement)
        raise ConfigurationError, "the configuration as it is has failed: #{measurement.failure}\n" \
                                  "(its log is in #{@options[:failed_log]}; what was measured before is kept)"
      end

      def trial(candidate)
        Trial.new(@subject, @list, candidate, failed_log: @options[:failed_log])
      end

      # @return [Float, nil] seconds that a boot may take; nil: nobody knows yet
      def patience
        boots = @state.runs.filter_map { |run| run.measurement.boot }
        boots.max && [boots.max * PATIENCE, OVERHEAD].max
      end

      # @return [Float] seconds that a trial takes
      def cost
        recent = @state.runs.last(8).reject { |run| run.measurement.failed? }.map { |run| run.measurement.seconds }
        recent.any? ? recent.sum / recent.size : @expected || LEAST_LOAD + OVERHEAD
      end

      def show(what)
        best = Ranking.new(@state.runs, goal: @options[:goal]).best
        shown = best && format("%<pss>.0f MiB", pss: best[:pss])
        @progress.show(@state.runs.size + 1, what, shown)
      end
    end
  end
end

# frozen_string_literal: true

module Chaos
  # What must not have happened in a run.
  class Verdict
    # Seconds to full strength, besides the app's own boot where one was needed.
    GOAL = 2.0
    # A connection whose process was killed is closed at once. It takes our own threads some time to notice.
    AT_ONCE = 1.0

    # @param result [Result]
    # @param strength [Float] seconds to full strength that are permitted
    # @param at_once [Float] seconds from a blow to the closed connection that are permitted
    def initialize(result, strength: GOAL, at_once: AT_ONCE)
      @result = result
      @at_once = at_once
      @strength = strength + result.scenario.patience
    end

    # @return [Array<String>] one a broken promise; empty: all were kept
    def complaints
      all = [*@result.trouble, *lost_requests, *slow_failures, *crashes, *weakness, *leftovers]
      all.map { |complaint| "#{@result.title}: #{complaint}" }
    end

    private

    # A worker that dies of the shortage itself takes its request with it, and nobody but the log knows.
    def lost_requests
      closed, other = @result.ledger.lost.partition { |failure| %i[closed reset].include?(failure.outcome) }
      other += closed.drop(@result.mourned)
      other.map do |failure|
        "a request that was in no process that was struck failed after #{format("%.3f", failure.ended - failure.started)} s: " \
          "#{failure.outcome} #{failure.detail} #{failure.key}"
      end
    end

    def slow_failures
      slowest = @result.ledger.slowest
      limit = @at_once + @result.scenario.stay
      slowest > limit ? ["a request inside a process that was struck took #{slowest.round(3)} s to fail, over #{limit} s"] : []
    end

    def crashes
      @result.scenario.fatal? ? [] : @result.crashed.map { |pid| "process #{pid} crashed, and nobody had struck it" }
    end

    def weakness
      boot = @result.boots.positive? ? @result.boot : 0
      slowest = @result.recoveries.max || 0
      slowest > @strength + boot ? ["full strength took #{slowest.round(2)} s, over #{(@strength + boot).round(2)} s"] : []
    end

    def leftovers
      before = @result.before || {}
      after = @result.after || before
      grown = before.keys.select { |what| after[what] > before[what] }.map { |what| "#{what}: #{before[what]} became #{after[what]}" }
      grown << "left after the end: #{@result.left.inspect}" if @result.left.any?
      grown
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  module Cow
    # Keeps what watches a server from costing what is to be watched: after each step it sleeps, for as long as makes the step
    # this share of the time.
    class Pace
      # Of one processor: reading a process of 500 MiB takes 2.5 ms, and is followed by half a second of sleep. At this, sixteen
      # workers are seen every ten seconds, and no process has to wait for its own memory map for more than that.
      SHARE = 0.005

      # For those who look once: no rest.
      NONE = Object.new
      def NONE.step
        yield
      end

      # @param sleeper [#call] sleeps so many seconds, or until it is woken for good
      # @param clock [#call] seconds of processor time that this process has used
      def initialize(sleeper, share: SHARE, clock: -> { Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) })
        @sleeper = sleeper
        @share = share
        @clock = clock
      end

      # @return what the block answers
      def step
        before = @clock.call
        answer = yield
        used = @clock.call - before
        @sleeper.call((used / @share) - used) if used.positive?
        answer
      end
    end
  end
end

# frozen_string_literal: true

require "monitor"

module Bench
  # What a process writes, kept line by line, and a way to wait until it has written something.
  class ProcessLog
    # Raised when the line did not come: the process ended or took too long.
    Missing = Class.new(StandardError)

    # @param io [IO] the reading end of a pipe; closed when the writers are gone
    def initialize(io)
      @lines = []
      @ended = false
      @lines.extend(MonitorMixin)
      @changed = @lines.new_cond
      @thread = Thread.new { follow(io) }
    end

    # @param pattern [Regexp]
    # @param count [Integer] how many lines have to match
    # @param timeout [Numeric] seconds
    # @return [Array<String>] the first `count` matching lines
    # @raise [Missing]
    def wait_for(pattern, count: 1, timeout: 60)
      deadline = now + timeout
      @lines.synchronize do
        loop do
          found = @lines.grep(pattern).first(count)
          return found if found.size == count
          raise Missing, "no #{pattern.inspect}: the process ended. Its last words:\n#{tail}" if @ended
          raise Missing, "no #{pattern.inspect} in #{timeout} s. The last lines:\n#{tail}" if now > deadline

          @changed.wait(deadline - now)
        end
      end
    end

    # Waits until every writer has closed the log.
    def join(timeout)
      @thread.join(timeout)
    end

    # @return [String] the last lines
    def tail(count = 20)
      @lines.synchronize { @lines.last(count).join }
    end

    private

    def follow(io)
      while (line = io.gets)
        @lines.synchronize do
          @lines << line
          @changed.broadcast
        end
      end
    ensure
      io.close
      @lines.synchronize do
        @ended = true
        @changed.broadcast
      end
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end

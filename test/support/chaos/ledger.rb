# frozen_string_literal: true

module Chaos
  # What became of every request, and which of the failed ones were inside a process that was struck.
  class Ledger
    # A request that failed: how, on which connection, and when it began and ended.
    Failure = Struct.new(:outcome, :key, :started, :ended, :detail)

    # A connection that a process held when it was struck.
    Held = Struct.new(:key, :at, :pid)

    attr_reader :sent, :answered, :failures
    # @return [Array<Integer>] pids of the processes that were struck
    attr_reader :victims

    def initialize
      @lock = Mutex.new
      @sent = @answered = 0
      @failures = []
      @victims = []
      @held = Hash.new { |hash, key| hash[key] = [] }
    end

    # @param exchange [Exchange]
    # @param outcome [Symbol] what it answered
    def note(exchange, outcome)
      @lock.synchronize do
        @sent += 1
        next @answered += 1 if outcome == :answered

        @failures << Failure.new(outcome, exchange.key, exchange.started, exchange.ended, exchange.detail)
      end
    end

    # A process is struck now, and with it these connections.
    #
    # @param keys [Array<Array>] see {Sockets.key}
    def struck(pid, keys, at)
      @lock.synchronize do
        @victims << pid
        keys.each { |key| @held[key] << Held.new(key, at, pid) }
      end
    end

    # @return [Array<Failure>] the requests that nobody may lose: no process that was struck had them
    def lost
      failures.reject { |failure| blow(failure) }
    end

    # @return [Array<Failure>]
    def inside
      failures.select { |failure| blow(failure) }
    end

    # @return [Float] seconds from the blow to the end of the request that took longest to fail; 0.0 without any
    def slowest
      inside.map { |failure| failure.ended - [blow(failure).at, failure.started].max }.max || 0.0
    end

    private

    # Ports and inodes are used again: only a blow during the request can be its end.
    def blow(failure)
      @held.fetch(failure.key, []).find { |held| held.at.between?(failure.started, failure.ended) }
    end
  end
end

# frozen_string_literal: true

module Bench
  # Every answer that a load has got, from the file that `bench/load.rs --timeline` has written: when it came, and what it took.
  class Timeline
    # @return [Float] seconds of the clock that the file's times are of
    def self.now
      Process.clock_gettime(Process::CLOCK_REALTIME)
    end

    # @param path [String]
    def self.read(path)
      answers = File.foreach(path).map { |line| line.split.map(&:to_i) }
      new(answers.map { |at, took| [at / 1e3, took / 1e3] })
    end

    # @param answers [Array<Array(Float, Float)>] seconds and milliseconds
    def initialize(answers)
      @answers = answers.sort
    end

    # @param from [Float] seconds
    # @param till [Float] seconds
    # @return [Timeline] what was answered in between
    def between(from, till)
      first, last = [from, till].map { |time| @answers.bsearch_index { |at, _| at >= time } || @answers.size }
      Timeline.new(@answers[first...last])
    end

    # @return [Integer]
    def size
      @answers.size
    end

    # @param share [Float] 0.99 for p99
    # @return [Float] milliseconds within which this share of the requests was answered, 0.0 without requests
    def quantile(share)
      latencies = @answers.map(&:last).sort
      latencies.fetch(((latencies.size - 1) * share).round, 0.0)
    end
  end
end

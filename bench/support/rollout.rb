# frozen_string_literal: true

require_relative "timeline"

module Bench
  # A refork under load: the answers around it, when it was asked for and when it was done; and, by the server's log, the seconds
  # in which the mold got ready, and each of its workers.
  class Rollout
    # Seconds that count as before and as after; the load goes on for so long behind the end.
    AROUND = 3
    # Seconds of one point of the timeline.
    SLOT = 0.1

    # @return [Float]
    attr_reader :mold
    # @return [Array<Float>]
    attr_reader :workers

    # @param timeline [Timeline]
    # @param began [Float] {Timeline.now} when it was asked for
    # @param done [Float] and when the last process of the older generation was gone
    # @param mold [Float] seconds
    # @param workers [Array<Float>] seconds
    def initialize(timeline, began:, done:, mold:, workers:)
      @timeline = timeline
      @began = began
      @done = done
      @mold = mold
      @workers = workers
    end

    # @return [Float]
    def seconds
      @done - @began
    end

    # @return [Hash{String => Array(Float, Float)}] requests a second, and p99 in milliseconds
    def phases
      @phases ||= {
        "before" => figures(@began - AROUND, @began), "during" => figures(@began, @done), "after" => figures(@done, @done + AROUND)
      }
    end

    # @param number [Integer] from the slot that begins with the refork, 0; before it they are negative
    # @return [Array(Float, Float)] the same, in this slot
    def slot(number)
      figures(@began + (number * SLOT), @began + ((number + 1) * SLOT))
    end

    # @return [Integer] how many slots there are from the refork on
    def slots
      ((seconds + AROUND) / SLOT).floor
    end

    private

    def figures(from, till)
      answers = @timeline.between(from, till)
      [answers.size / (till - from), answers.quantile(0.99)]
    end
  end
end

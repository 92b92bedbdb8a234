# frozen_string_literal: true

require_relative "drawing"
require_relative "rollout"
require_relative "sample"

module Bench
  # The time around the reforks of each application, slot by slot: medians over the reforks.
  class ReforkChart
    # Seconds shown before and, if all is done a second before that, after the refork.
    BEFORE = 1
    AFTER = 5
    private_constant :BEFORE, :AFTER

    # @param reforks [Array<Refork>] measured
    # @param unit [String]
    # @param metric [Integer] which of {Rollout#slot}'s figures
    def initialize(reforks, unit, metric)
      @reforks = reforks
      @unit = unit
      @metric = metric
    end

    # @return [String]
    def to_svg
      rounds = @reforks.first.rollouts.size
      chart = Chart.new(
        title: "Around a refork: #{@unit}", y: @unit, x: slots.map { |slot| label(slot) }, marks: { position(0) => "refork" },
        note: "every #{Rollout::SLOT} s; seconds from the signal; medians of #{rounds} reforks; Ruby #{RUBY_VERSION}"
      )
      @reforks.each do |refork|
        chart.panel(refork.app.title, { "pitchfork" => values(refork.rollouts) }, { position(duration(refork)) => "done" })
      end
      chart.to_svg
    end

    private

    # @return [Range] numbers of the slots that are shown, for all applications the same
    def slots
      @slots ||= begin
        seconds = [AFTER, @reforks.map { |refork| duration(refork) }.max.ceil + 1].max
        (-BEFORE / Rollout::SLOT).round...(seconds / Rollout::SLOT).round
      end
    end

    # As far as every rollout reaches.
    def values(rollouts)
      shown = slots.first...[slots.end, *rollouts.map(&:slots)].min
      shown.map { |slot| Sample.median(rollouts.map { |rollout| rollout.slot(slot)[@metric] }) }
    end

    def duration(refork)
      Sample.median(refork.rollouts.map(&:seconds))
    end

    # Every whole second.
    def label(slot)
      (slot % (1 / Rollout::SLOT)).zero? ? (slot * Rollout::SLOT).round.to_s : ""
    end

    # Where a moment lies between the points, each of which is the middle of its slot.
    def position(seconds)
      (seconds / Rollout::SLOT) - slots.first - 0.5
    end
  end
end

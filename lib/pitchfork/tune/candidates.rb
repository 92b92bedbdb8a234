# frozen_string_literal: true

require "pitchfork/tune/candidate"

module Pitchfork
  module Tune
    # What is tried: values for settings, the most promising first. It knows nothing of this machine but what it is told.
    class Candidates
      # Methods are compiled when they have been called a few times, before the fork, and so many of them that hardly any goes on
      # counting its calls in memory that is shared. The code needs room. It helps some apps; in others, with very many methods,
      # compilation never comes to an end, so it is not among the first to be tried.
      EARLY = { call_threshold: 5, exec_mem_size: 128 }.freeze
      NEVER_COLD = { cold_threshold: 100_000_000 }.freeze
      # Shares of the heap that are free after a collection. Ruby's own, 0.2, 0.4 and 0.65, are shares of what workers share.
      RATIOS = [[0.05, 0.10, 0.15], [0.10, 0.20, 0.30]].freeze
      NAMES = %i[refork_after yjit allocator gc mold_preparation yjit_until_promotion out_of_band_gc malloc_arena_max].freeze
      private_constant :EARLY, :NEVER_COLD, :RATIOS

      # @return [Hash{Symbol => Array<Object>}] values by setting, the most promising first
      attr_reader :space

      # @param facts [Facts] about this machine and the user's configuration
      # @param plan [Plan]
      # @param only [Array<Symbol>, nil] the settings that may be changed; nil: all
      def initialize(facts, plan, only: nil)
        @facts = facts
        @plan = plan
        @space = NAMES.to_h do |name|
          [name, values(name).map { |value| facts.completed(name, value) }.reject { |value| facts.set_already?(name, value) }]
        end
        @space.select! { |name, values| values.any? && (only.nil? || only.include?(name)) }
        @space.freeze
      end

      # Settings that help most apps, together: a good place to begin at when there is time for few trials only.
      #
      # @return [Array<Candidate>]
      def presets
        together = %i[refork_after allocator gc].to_h { |name| [name, space.fetch(name, []).first] }
        [Candidate.new(together)].reject { |preset| preset.settings.size < 2 }
      end

      # @return [Boolean] whether its settings have an effect together
      def sensible?(candidate)
        return false if candidate[:allocator] == :jemalloc && candidate[:malloc_arena_max]

        !(candidate[:yjit] == false && candidate[:yjit_until_promotion])
      end

      private

      def values(name)
        return [] unless @facts.free_to_set?(name)

        case name
        when :refork_after then refork_points
        when :yjit then yjit
        when :allocator then @facts.jemalloc? ? [:jemalloc] : []
        when :gc then RATIOS.map { |ratios| { free_slots: ratios } }
        when :mold_preparation then [{ compact: false }, { trim: false }]
        when :yjit_until_promotion then @facts.yjit? && @facts.ruby_at_least?("3.3") ? [:first_worker] : []
        when :out_of_band_gc then [true]
        when :malloc_arena_max then [2]
        end
      end

      # Once a period; after less at first, so that few are cold for long; and twice as often.
      def refork_points
        period = @plan.period
        [[period], [Plan.round(period / 10.0), Plan.round(period / 3.0), period], [Plan.round(period / 2.0)]].uniq
      end

      def yjit
        return [] unless @facts.yjit?

        [!@facts.yjit_on?, @facts.ruby_at_least?("3.3") ? EARLY.merge(NEVER_COLD) : EARLY]
      end
    end
  end
end

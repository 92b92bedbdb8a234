# frozen_string_literal: true

require "pitchfork/tune/candidate"
require "pitchfork/tune/ranking"

module Pitchfork
  module Tune
    # Which candidate is tried next, told by what was measured so far and by the time that is left. Nothing else is
    # remembered, so that it goes on after an interruption as if there had been none.
    #
    # It walks from the best known candidate to its neighbours, which differ in one setting. The user's own configuration is
    # tried again and again in between, and the best ones in turn at the end, so that what is compared was measured under the
    # same conditions, and noise is known.
    class Search
      # Trials of each of those that are compared in the end.
      REPEATS = 3
      # When there is time.
      MOST_REPEATS = 5
      FINALISTS = 3
      # The baseline comes after so many others.
      BASELINE_EVERY = 5
      private_constant :REPEATS, :MOST_REPEATS, :FINALISTS, :BASELINE_EVERY

      # @param space [Hash{Symbol => Array<Object>}] see {Candidates#space}
      # @param presets [Array<Candidate>] tried first
      # @param goal [Symbol] see {Ranking::GOALS}
      # @param sensible [#call] whether a candidate is worth a trial, see {Candidates#sensible?}
      def initialize(space, presets: [], goal: :balance, sensible: ->(_) { true })
        @space = space
        @presets = presets
        @goal = goal
        @sensible = sensible
      end

      # @param runs [Array<Run>] in the order they were made
      # @param trials_left [Integer] for which there is time
      # @return [Candidate, nil] nil: nothing is left to be learned
      def next(runs, trials_left:)
        return if trials_left < 1

        ranking = Ranking.new(runs, goal: @goal)
        tried = runs.map(&:candidate)
        return Candidate.new if baseline_due?(tried)

        # With next to no time, something else measured once is worth more than the baseline twice.
        unless tried.uniq.size > 1 && trials_left <= missing(ranking, REPEATS)
          candidate = unmeasured(tried) || open_question(ranking, tried)
          return candidate if candidate
        end
        repetition(ranking, REPEATS) || neighbour(ranking, tried) || repetition(ranking, MOST_REPEATS)
      end

      private

      def baseline_due?(tried)
        last = tried.rindex(&:baseline?)
        last.nil? || tried.size - last > BASELINE_EVERY
      end

      def unmeasured(tried)
        (@presets - tried).first
      end

      # A neighbour of the best in whose difference to it no two candidates differ yet.
      def open_question(ranking, tried)
        best = ranking.entries.first&.candidate or return
        answered = answers(tried.uniq)
        neighbours(best).find { |name, value, candidate| !tried.include?(candidate) && !answered.include?([name, value]) }&.last
      end

      # Any that differs from the best in one setting: what did not help elsewhere may help here.
      def neighbour(ranking, tried)
        best = ranking.entries.first&.candidate or return
        neighbours(best).map(&:last).find { |candidate| !tried.include?(candidate) }
      end

      # @return [Array<(Symbol, Object, Candidate)>] the first value of each setting, then the second of each, at last those
      #   that take a setting away
      def neighbours(candidate)
        rounds = @space.values.map(&:size).max || 0
        values = (0...rounds).flat_map { |round| @space.filter_map { |name, list| [name, list[round]] if round < list.size } }
        values += @space.keys.map { |name| [name, nil] }
        changes = values.reject { |name, value| candidate[name] == value }
        changes.map { |name, value| [name, value, candidate.with(name, value)] }.select { |*, changed| @sensible.call(changed) }
      end

      # @return [Array<(Symbol, Object)>] what two candidates tell apart that differ in this alone
      def answers(candidates)
        candidates.combination(2).flat_map do |one, other|
          apart = (one.settings.keys | other.settings.keys).reject { |name| one[name] == other[name] }
          apart.size == 1 ? [[apart[0], one[apart[0]]], [apart[0], other[apart[0]]]] : []
        end.uniq
      end

      def finalists(ranking)
        [ranking.baseline, ranking.best, *ranking.entries.first(FINALISTS)].compact.uniq(&:candidate)
      end

      # @return [Integer] trials until all finalists have so many
      def missing(ranking, repeats)
        finalists(ranking).sum { |entry| [repeats - entry.count, 0].max }
      end

      # @return [Candidate, nil] the finalist with the fewest trials; in a row they would share what the machine does meanwhile
      def repetition(ranking, repeats)
        finalists(ranking).select { |entry| entry.count < repeats }.min_by(&:count)&.candidate
      end
    end
  end
end

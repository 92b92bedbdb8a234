# frozen_string_literal: true

require "pitchfork/cow/advice/causes"
require "pitchfork/cow/advice/lines"
require "pitchfork/cow/size"

module Pitchfork
  module Cow
    # From the account of a server to plain sentences: what a worker has of its own, why, and what may be tried. Each names the
    # number that led to it. Pure.
    #
    # The reasons behind the thresholds and the settings are in docs/cow.md.
    class Advice
      include Causes

      # A worker that has served a few thousand requests of a one-line app has about as much of its own, and nobody has ever
      # got it lower: to advise below this would be to advise everyone.
      LEAST = 4 * Size::MIB
      # Of a worker's private memory. What is less than that can't change the whole by more than the noise from one run to another.
      SHARE = 0.1
      # How many times the others' median, and how much more than that. The workers that come first get most of the requests, and
      # are ahead of the others on the way that all go.
      BLOATED = 2
      EXCESS = 32 * Size::MIB
      # What would begin the first refork, and why it may be set and has not.
      REFORKS = { "refork_after [50, 100, 1000]" => "refork_after is set, and not reached yet, or the log says what came between.",
                  "refork_when :sharing" => "refork_when :sharing is set, and has expected too little of a refork so far." }.freeze
      private_constant :LEAST, :SHARE, :BLOATED, :EXCESS, :REFORKS

      # @!attribute key
      #   @return [Symbol] stable, for machines
      # @!attribute bytes
      #   @return [Integer] per worker, that it is about
      # @!attribute settings
      #   @return [Array<String>] lines for the configuration file, to be tried one after the other. The server starts with each
      Sentence = Struct.new(:key, :bytes, :text, :settings)

      # @param snapshot [Snapshot]
      # @return [Array<Sentence>] what matters most first; never empty
      def self.of(snapshot)
        new(snapshot).sentences
      end

      def initialize(snapshot)
        @snapshot = snapshot
        @private = snapshot.per_worker(:private)
        @lines = Lines.new(snapshot.notes)
      end

      # @return [Array<Sentence>]
      def sentences
        return [sentence(:no_workers, 0, "There are no workers: nothing is shared.")] if @snapshot.workers.empty?

        found = [generation_zero, malloc, heap_unshared, heap_fresh, jit, bloated, swap].compact.sort_by { |advice| -advice.bytes }
        found << nothing if found.empty?
        found.unshift(unknown) unless @snapshot.told_apart?
        found
      end

      private

      def unknown
        sentence(:no_notes, 0, "The workers carry no notes of their mold, which would tell what they un-shared from what is new: " \
                               "their mold is an older pitchfork's, or could not leave them, as its log would say. The next refork " \
                               "may bring them.")
      end

      def generation_zero
        return unless @snapshot.generations.map(&:number) == [0] && worth?(written)

        text = "#{mib(written)} per worker are its own, and all workers are of generation 0: what each of them has written " \
               "since the fork is shared with none. A refork shares it."
        sentence(:generation_zero, written, text, *REFORKS.keys, set: REFORKS)
      end

      def bloated
        sizes = @snapshot.workers.map { |worker| worker.memory[:private] }.sort
        largest = @snapshot.workers.max_by { |worker| worker.memory[:private] }
        median = sizes[(sizes.size - 1) / 2]
        excess = largest.memory[:private] - median
        return unless sizes.size > 2 && excess >= EXCESS && largest.memory[:private] > median * BLOATED

        sentence(:bloated, excess,
                 "worker[#{largest.title.name}] (pid #{largest.pid}) has #{mib(largest.memory[:private])} of its own, the others " \
                 "about #{mib(median)}: a leak, or one very large request.",
                 "worker_memory_limit private: \"#{(median.fdiv(Size::MIB) * BLOATED).ceil}M\"")
      end

      def swap
        swapped = @snapshot.total(:swap)
        return if swapped < LEAST

        sentence(:swap, swapped, "#{mib(swapped)} are swapped out, and are missing in the other columns.")
      end

      def nothing
        shared = @snapshot.per_worker(:shared)
        sentence(:nothing, @private, "Nothing to do: a worker has #{mib(@private)} of its own, and shares " \
                                     "#{Size.percent(shared, shared + @private)} of what it uses.")
      end

      # @param lines [Array<String>] that may help
      # @param set [Hash{String => String}] what is to be said of a line whose setting is set already
      def sentence(key, bytes, text, *lines, set: {})
        told, untold = @lines.set_among(lines).partition { |line, _| set.key?(line) }
        text = [text, *told.map { |line, _| set.fetch(line) }].join(" ")
        text += " Set already: #{untold.map(&:last).join(", ")}." if untold.any?
        Sentence.new(key, bytes, text, @lines.to_try(lines))
      end

      def worth?(bytes)
        bytes >= LEAST && bytes >= SHARE * @private
      end

      # What a worker has written since the fork. Without notes, whatever it has of its own.
      def written
        return @private unless @snapshot.told_apart?

        @written ||= @snapshot.regions.each_key.sum { |kind| region(kind, :unshared) + region(kind, :fresh) }
      end

      def running_jit?
        (region(:jit, :private) + region(:jit, :shared)).positive?
      end

      def collected?
        @snapshot.notes.nil? || @snapshot.notes.steps.any? { |step| %w[collect compact].include?(step[:name]) }
      end

      def region(kind, name)
        @snapshot.region(kind, name)
      end

      def mib(bytes)
        Size.mib(bytes)
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/memory"

module Pitchfork
  # What a mold does once, before its first fork, so that its pages stay shared afterwards: a few steps, each of which can be
  # switched off (`mold_preparation`). What each has taken and given is in {#steps}.
  class Preparation
    # In their order.
    #
    # * collect: garbage is collected, so that no worker has to. Process.warmup (Ruby 3.3) does that when it compacts; a collection
    #   before it takes half as long again and gains nothing (measured with bench/cow.rb).
    # * compact: survivors are made old and moved together, so that workers find few free slots to fill among shared objects.
    # * trim: free memory goes back to the kernel, and malloc puts the rest in order, see ext/pitchfork/src/sys/allocator.rs.
    # * seal: the GC is switched off, for each run would write to pages that workers share. {release} switches it on again in
    #   the workers. That takes no time and gives nothing back, and is the last that is done: it is told without figures.
    STEPS = %i[collect compact trim seal].freeze

    # @!attribute seconds
    #   @return [Float]
    # @!attribute change
    #   @return [Integer] bytes of this process that are no file's, whoever shares them: negative when memory was given back.
    #     Its private memory alone would say that a worker's preparation costs: it writes to what the older mold still has.
    Step = Struct.new(:name, :seconds, :change) do
      # @return [String] for the log
      def to_s
        format("%s %.3fs %+.1f MiB", name, seconds, change / 1048576.0)
      end
    end

    @sealed = false

    class << self
      # In a process that was forked from a prepared mold.
      def release
        GC.enable if @sealed
        @sealed = false
      end

      # Where the app has switched the GC off itself, it stays off in the workers.
      #
      # @api private
      def seal
        @sealed = !GC.disable
      end
    end

    # @return [Array<Step>] those that were taken, but for seal
    attr_reader :steps
    # @return [(Integer, Integer), nil] private bytes and PSS before the first; nil: the kernel does not say
    attr_reader :before

    # @param wanted [Array<Symbol>] of {STEPS}
    def initialize(wanted = STEPS)
      @wanted = wanted
      @steps = []
    end

    # @yieldparam notes [MoldNotes] to be published, when there is nothing left to do but to switch the GC off: the last
    #   moment to allocate something
    # @return [self]
    def call
      @last = memory
      @before = @last&.values_at(:private, :pss)
      take(:collect) { GC.start } unless warmup?
      take(:compact) { compact }
      notes = MoldNotes.look # whose own memory goes with the next step
      take(:trim) { Preparation.trim }
      yield notes if block_given?
      Preparation.seal if seal?
      self
    end

    # @return [String] for the log
    def to_s
      format("%.3fs: %s", steps.sum(&:seconds), [*steps, *(:seal if seal?)].join(", "))
    end

    private

    def seal?
      @wanted.include?(:seal)
    end

    def warmup?
      @wanted.include?(:compact) && Process.respond_to?(:warmup)
    end

    # Process.warmup makes all objects old at once. Before Ruby 3.3, one is old that has survived three collections: that of the
    # step before, this one, and that of GC.compact.
    def compact
      return Process.warmup if warmup?

      GC.start
      GC.respond_to?(:compact) ? GC.compact : GC.start
    end

    def take(name)
      return unless @wanted.include?(name)

      start = now
      yield
      seconds = now - start
      @steps << Step.new(name, seconds, change)
    end

    # The kernel walks through the whole process for this, and a worker that is promoted in place is missing meanwhile: so once
    # for each step, which begins with what the one before has left.
    def change
      before = @last
      @last = memory
      before && @last ? @last[:anonymous] - before[:anonymous] : 0
    end

    # @return [Hash, nil] nil: an old kernel, or there is no /proc
    def memory
      Memory.rollup(Process.pid)
    rescue SystemCallError
      nil
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end

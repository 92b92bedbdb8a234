# frozen_string_literal: true

module Pitchfork
  # What a mold does once, before its first fork, so that its pages stay shared afterwards.
  module Preparation
    class << self
      # Garbage is collected and survivors are made old and moved together, so that workers find few free slots to fill
      # among shared objects; free memory goes back to the kernel, and malloc puts the rest in order. Then the GC is
      # switched off: each run would write to pages that workers share. {release} switches it on again in the workers.
      #
      # An object is old after it has survived three collections. Process.warmup (Ruby 3.3) makes old at once what it
      # can, which does not include all that a JIT or inline caches have made: hence the collections before it, too.
      def call
        3.times { GC.start }
        Process.respond_to?(:warmup) ? Process.warmup : warmup
        MoldPort.settle_malloc
        GC.disable
      end

      # In a worker that was forked from a prepared mold.
      def release
        GC.enable
      end

      private

      def warmup
        GC.start
        GC.compact if GC.respond_to?(:compact)
      end
    end
  end
end

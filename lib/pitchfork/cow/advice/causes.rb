# frozen_string_literal: true

require "pitchfork/cow/size"

module Pitchfork
  module Cow
    class Advice
      # Sentences about what a worker has of its own, by what the memory is used for.
      module Causes
        private

        def malloc
          bodies = region(:method_bodies, :unshared)
          unshared = bodies + region(:malloc, :unshared)
          return unless worth?(unshared)

          text = "#{mib(unshared)} per worker were un-shared in malloc"
          text += ", #{Size.percent(bodies, unshared)} of it in pages that hold method bodies" if bodies >= SHARE * unshared
          bodies * 2 >= unshared ? bodies(unshared, text) : allocator(unshared, text)
        end

        def bodies(unshared, text)
          # Not a low call_threshold: with many methods it is ruinous (docs/memory.md).
          if running_jit?
            return sentence(:method_bodies, unshared,
                            "#{text}: YJIT's call counters, in every method that is not compiled yet. jemalloc keeps them on fewer " \
                            "pages; and where most methods are called too seldom to be compiled, YJIT gains nothing.",
                            *("allocator :jemalloc" unless @snapshot.allocator), "yjit false")
          end

          filled = "#{text}: inline caches, which the first calls of a method fill."
          return sentence(:method_bodies, unshared, filled) if generation_zero

          sentence(:method_bodies, unshared, "#{filled} A refork after more requests has more of them filled.",
                   "refork_after [100, 1000, 5000]")
        end

        def allocator(unshared, text)
          if @snapshot.allocator
            return sentence(:malloc, unshared, "#{text}; with #{@snapshot.allocator} what is left is data that requests change. " \
                                               "`pitchfork cow --who` names the code that writes it.")
          end

          sentence(:malloc, unshared, "#{text}: the C library's malloc puts what is new into the holes between what is old, and the " \
                                      "GC's own tables lie there, too.", "allocator :jemalloc")
        end

        def heap_unshared
          unshared = region(:ruby_heap, :unshared)
          return unless worth?(unshared)

          text = "#{mib(unshared)} per worker were un-shared in Ruby's heap"
          if collected?
            return sentence(:ruby_heap, unshared, "#{text}, though their mold was collected before the fork: objects that requests " \
                                                  "change. `pitchfork cow --who` names the code that writes to them.")
          end
          sentence(:ruby_heap, unshared, "#{text}: their mold was forked from without a collection, so the GC of each worker sweeps " \
                                         "and fills the holes of all of it.", "mold_preparation collect: true, compact: true")
        end

        def heap_fresh
          fresh = region(:ruby_heap, :fresh)
          return unless worth?(fresh)

          sentence(:nursery, fresh,
                   "#{mib(fresh)} per worker are new in Ruby's heap: Ruby grows it by a share of the whole, and a worker shares most of " \
                   "the whole. Smaller shares cost more collections.", "gc free_slots: [0.05, 0.10, 0.15]")
        end

        def jit
          own = region(:jit, :private)
          return unless worth?(own)

          sentence(:jit, own, "#{mib(own)} per worker are machine code that it compiled for itself. Refork after more requests, when " \
                              "more is compiled, or let only one worker compile until then.",
                   "refork_after [200, 1000, 5000]", "yjit_until_promotion :first_worker")
        end
      end
    end
  end
end

# frozen_string_literal: true

# What large applications are made of, in quantities that make the effect of each visible.
module Application
  # Computes something once.
  class Model
    def label
      @label ||= Time.at(0).to_s
    end
  end

  LIMIT = 1_000

  class << self
    # Objects of which every other one dies, so that the heap has a hole beside each survivor.
    #
    # @return [Array<Array>] the survivors
    def scattered_heap(survivors)
      Array.new(2 * survivors) { |number| ["object #{number}", number] }.select.with_index { |_, index| index.odd? }
    end

    # Methods that refer to a constant and call another method: each has a cache for both. To be called once a process.
    #
    # @return [Array<Method>]
    def methods(count)
      code = Array.new(count) { |number| "def self.method_#{number} = LIMIT.succ + #{number}\n" }
      # As a file would define them. In code given to module_eval, constants are cached less well: a compaction may undo it.
      eval("module Application\nmodule Generated\n#{code.join}end\nend", TOPLEVEL_BINDING)
      Generated.methods(false).map { |name| Generated.method(name) }
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  module OutOfBandGC
    # Ruby 3.1, whose GC does not say what its next run will be. But it says what it decides that by, when a minor collection is
    # over (gc_marks_finish and gc_reset_malloc_info in gc.c): too many old objects, too many that have no write barrier, or too
    # much memory malloc'd by old ones, for which it raises the limit as long as it may. That too few slots were free, it keeps to itself.
    class Ruby31 < BestEffort
      def begin
        remember
      end

      def collect(_soon)
        super
        remember
      end

      private

      def remember
        @malloc_limit = @gc.stat(:oldmalloc_increase_bytes_limit)
      end

      def due?
        return false if @gc.latest_gc_info(:major_by) # what it has raised a limit for is done

        over?(:old_objects) || over?(:remembered_wb_unprotected_objects) || over?(:oldmalloc_increase_bytes) ||
          @gc.stat(:oldmalloc_increase_bytes_limit) > @malloc_limit
      end

      def over?(name)
        @gc.stat(name) > @gc.stat(:"#{name}_limit")
      end
    end
  end
end

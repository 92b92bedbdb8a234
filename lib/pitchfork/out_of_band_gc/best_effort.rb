# frozen_string_literal: true

module Pitchfork
  module OutOfBandGC
    # Ruby 3.2 and 3.3, whose GC says that its next run will be a major one, and can't be asked to wait: so that one is run before
    # the next request. What is left are requests with two collections, of which the first asks for the second.
    class BestEffort
      # @return [Boolean] Ruby >= 3.2
      def self.possible?(gc)
        gc.latest_gc_info.key?(:need_major_by)
      end

      def initialize(gc)
        @gc = gc
      end

      def begin
      end

      # A major collection can't be left to the refork here: the next request would have it.
      #
      # @param _soon [Boolean]
      def collect(_soon)
        major if finish && due?
      end

      def end
      end

      private

      # Completes the collection that is under way, be it marking in steps or sweeping lazily. GC.disable does that (gc_rest in
      # gc.c), and is the one way to learn whether the app has switched the GC off; then nothing is collected here either.
      #
      # @return [Boolean] whether the GC is on
      def finish
        return false if @gc.disable

        @gc.enable
        true
      end

      def due?
        !@gc.latest_gc_info(:need_major_by).nil?
      end

      # Also the app's compaction, if it has set GC.auto_compact.
      def major
        @gc.start
      end
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  module OutOfBandGC
    # Ruby 3.4 and later, whose GC can be told never to begin a major collection itself. Meanwhile it makes no object old either,
    # so what a request needs for a moment does not get old by chance; the collections between requests do.
    #
    # One that may wait is left to the refork, as the preparation of the mold is one for all its workers.
    #
    # @see https://docs.ruby-lang.org/en/3.4/GC.html#method-c-config
    class Ruby34 < BestEffort
      KEY = :rgengc_allow_full_mark

      # @return [Boolean] Ruby >= 3.4, unless it runs with another GC than its own
      def self.possible?(gc)
        gc.respond_to?(:config) && gc.config.key?(KEY)
      end

      # Whoever has switched major collections off himself has a plan of his own.
      def begin
        @ours = @gc.config[KEY]
        @gc.config(KEY => false) if @ours
      end

      def collect(soon)
        super if @ours && !soon
      end

      # As it was, for the mold and for all that come from it.
      def end
        @gc.config(KEY => true) if @ours
        @ours = false
      end
    end
  end
end

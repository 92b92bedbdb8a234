# frozen_string_literal: true

require "pitchfork/out_of_band_gc/best_effort"
require "pitchfork/out_of_band_gc/ruby_3_1"
require "pitchfork/out_of_band_gc/ruby_3_4"

module Pitchfork
  # `out_of_band_gc true`: major collections of a worker take place between its requests. One adapter for each kind of Ruby, chosen
  # by what its GC can do. An adapter has
  #
  #   begin           the worker is about to serve
  #   collect(soon)   a request is over in which garbage was collected; soon: the worker may be gone soon
  #   end             the process is about to become a mold
  #
  # It is asked only then, because only a collection can find out that the next one has to be a major one. Between requests the
  # worker holds no connection: whoever comes meanwhile is another worker's.
  module OutOfBandGC
    class << self
      # @param gc [Module] Ruby's GC
      # @return [BestEffort]
      def adapter(gc = GC)
        return Ruby34.new(gc) if Ruby34.possible?(gc)

        BestEffort.possible?(gc) ? BestEffort.new(gc) : Ruby31.new(gc)
      end
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  module Cow
    # A generation that came while the server was watched.
    #
    # @!attribute at
    #   @return [Float] seconds, when its first worker was seen
    # @!attribute before
    #   @return [Integer] mean private bytes of a worker, when all of the generation before were last seen
    # @!attribute done
    #   @return [Float, nil] seconds, when no older worker was left; nil: that was not seen
    # @!attribute after
    #   @return [Integer, nil] mean private bytes of a worker then
    Refork = Struct.new(:generation, :at, :before, :done, :after) do
      # @param samples [Array<Sample>]
      # @return [Array<Refork>]
      def self.all(samples)
        newest = nil
        samples.each_with_index.flat_map do |sample, at|
          numbers = sample.generations.keys.sort
          fresh = newest ? numbers.select { |number| number > newest } : []
          newest = [newest, *numbers].compact.max
          fresh.map { |number| between(samples.take(at), samples.drop(at), number) }
        end
      end

      def self.between(earlier, later, number)
        done = later.find { |sample| sample.generations.keys.min == number }
        last = whole(earlier, (done || later.first).workers)
        new(number, later.first.at, last.private_per_worker, done&.at, done&.private_per_worker)
      end
      private_class_method :between

      # The worker that is promoted, the warmest as a rule, is missing for a moment before there is a new one.
      def self.whole(earlier, workers)
        seen = earlier.reject { |sample| sample.generations.empty? }.reverse
        newest = seen.first.generations.keys.max
        same = seen.take_while { |sample| sample.generations.keys.max == newest }
        same.find { |sample| sample.workers >= workers } || same.first
      end
      private_class_method :whole

      # @return [Integer, nil] bytes per worker
      def won
        after && (before - after)
      end
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  module Cow
    # What is kept of a {Snapshot} when there are many of them.
    #
    # @!attribute at
    #   @return [Float] seconds since the first one
    # @!attribute pss
    #   @return [Integer] bytes, of all processes
    # @!attribute generations
    #   @return [Hash{Integer => Hash{Symbol => Integer}}] :workers, and :private, mean bytes of one of them; the oldest first
    Sample = Struct.new(:at, :pss, :generations) do
      # @param snapshot [Snapshot]
      def self.of(snapshot, at)
        generations = snapshot.generations.to_h do |generation|
          [generation.number, { workers: generation.workers.size, private: snapshot.per_worker(:private, generation.workers) }]
        end
        new(at, snapshot.total(:pss), generations)
      end

      # @return [Integer] workers
      def workers
        generations.values.sum { |generation| generation[:workers] }
      end

      # @return [Integer] mean bytes of a worker of any generation
      def private_per_worker
        generations.values.sum { |generation| generation[:workers] * generation[:private] } / [workers, 1].max
      end
    end
  end
end

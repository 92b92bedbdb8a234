# frozen_string_literal: true

require "pitchfork/cow/title"

module Pitchfork
  module Cow
    # The memory of a server at one moment, and sums of it. All sizes are bytes. Knows nothing of how it was read.
    class Snapshot
      # One process.
      #
      # @!attribute memory
      #   @return [Hash{Symbol => Integer}] :private, :shared, :pss, :swap…, see {Memory.rollup}
      # @!attribute regions
      #   @return [Hash{Symbol => Hash}, nil] of a worker, see {Memory.account}
      # @!attribute work
      #   @return [Work, nil] of a worker
      Member = Struct.new(:pid, :depth, :title, :memory, :regions, :work)

      # Workers of one generation.
      Generation = Struct.new(:number, :workers)

      # @return [Time]
      attr_reader :taken
      # @return [Array<Member>] the master first, every process before its children
      attr_reader :members
      # @return [Memory::Notes, nil] what the newest mold has published
      attr_reader :notes
      # @return [String, nil] "jemalloc", "mimalloc", "tcmalloc"; nil: the C library's
      attr_reader :allocator

      def initialize(taken:, members:, notes: nil, allocator: nil)
        @taken = taken
        @members = members
        @notes = notes
        @allocator = allocator
      end

      # @return [Member]
      def master
        members.first
      end

      # @return [Array<Member>] those that serve, or are about to leave
      def workers
        @workers ||= members.select { |member| member.title.role == :worker && member.title.status != "starting" }
      end

      # @return [Array<Generation>] of the workers, the oldest first
      def generations
        workers.group_by { |worker| worker.title.generation }.sort.map { |number, workers| Generation.new(number, workers) }
      end

      # @param name [Symbol] :pss, :private, :swap…
      # @return [Integer] of all processes
      def total(name)
        members.sum { |member| member.memory.fetch(name, 0) }
      end

      # @return [Integer] a worker's mean; 0 without workers
      def per_worker(name, of = workers)
        of.empty? ? 0 : of.sum { |worker| worker.memory.fetch(name, 0) } / of.size
      end

      # @return [Boolean] whether what is private can be told apart by when it became so: each worker carries notes of its mold
      def told_apart?
        workers.any? && workers.all? { |worker| worker.regions&.values&.all? { |region| region[:unshared] } }
      end

      # @return [Hash{Symbol => Hash{Symbol => Integer, nil}}] the regions, summed over the workers that could be accounted; nil
      #   where one of them does not know
      def regions(of = workers)
        accounted = of.filter_map(&:regions)
        accounted.flat_map(&:keys).uniq.to_h do |kind|
          parts = accounted.filter_map { |regions| regions[kind] }
          [kind, parts.flat_map(&:keys).uniq.to_h { |name| [name, sum(parts.map { |part| part[name] })] }]
        end
      end

      # @return [Integer] what a worker has on the average of one kind; 0 where that is not known
      def region(kind, name)
        accounted = workers.count(&:regions)
        accounted.zero? ? 0 : regions.dig(kind, name).to_i / accounted
      end

      private

      def sum(sizes)
        sizes.sum unless sizes.include?(nil)
      end
    end
  end
end

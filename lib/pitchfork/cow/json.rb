# frozen_string_literal: true

require "json"
require "pitchfork/cow/advice"
require "pitchfork/cow/refork"

module Pitchfork
  module Cow
    # A {Snapshot}, or many {Sample}s, for machines: bytes, and seconds. The shape is documented in docs/cow.md; keys are only
    # ever added to it.
    module Json
      VERSION = 1
      SIZES = %i[private shared pss swap].freeze
      # Of these there are sums over processes: what they share would be counted again and again.
      SUMS = %i[private pss swap].freeze
      private_constant :VERSION, :SIZES, :SUMS

      class << self
        # @param snapshot [Snapshot]
        # @return [String]
        def snapshot(snapshot)
          JSON.pretty_generate(
            version: VERSION, taken: snapshot.taken.to_f.round(3), master: snapshot.master.pid, allocator: snapshot.allocator,
            total: SUMS.to_h { |name| [name, snapshot.total(name)] },
            processes: snapshot.members.map { |member| process(member) },
            generations: snapshot.generations.map { |generation| generation(snapshot, generation) },
            regions: snapshot.regions,
            preparation: snapshot.notes && preparation(snapshot.notes),
            advice: Advice.of(snapshot).map(&:to_h)
          )
        end

        # @param samples [Array<Sample>]
        # @return [String]
        def samples(samples)
          JSON.pretty_generate(version: VERSION, samples: samples.map(&:to_h),
                               reforks: Refork.all(samples).map { |refork| refork.to_h.merge(won: refork.won) })
        end

        private

        def process(member)
          title = member.title
          { pid: member.pid, depth: member.depth, title: title.text, role: title.role, name: title.name, generation: title.generation,
            status: title.status, memory: member.memory.slice(*SIZES), regions: member.regions, work: member.work&.to_h }
        end

        def generation(snapshot, generation)
          means = SIZES.to_h { |name| [name, snapshot.per_worker(name, generation.workers)] }
          { generation: generation.number, workers: generation.workers.size, per_worker: means,
            regions: snapshot.regions(generation.workers) }
        end

        def preparation(notes)
          { generation: notes.generation, pid: notes.pid, prepared: notes.prepared,
            before: notes.before && %i[private pss].zip(notes.before).to_h, steps: notes.steps }
        end
      end
    end
  end
end

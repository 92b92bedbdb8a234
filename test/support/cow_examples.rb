# frozen_string_literal: true

require "pitchfork/cow/snapshot"

# Servers to look at, as they might be read.
module CowExamples
  MIB = 1024 * 1024
  Notes = Struct.new(:generation, :pid, :prepared, :before, :steps, :ruby, :settings)

  # @param sizes [Hash{Symbol => (Numeric, Numeric)}] MiB un-shared and new, by kind
  # @return [Hash{Symbol => Hash}] like Memory.account, with 10 MiB shared for each kind
  def account(sizes = {})
    %i[ruby_heap method_bodies malloc jit stack file other].to_h do |kind|
      unshared, fresh = sizes.fetch(kind, [0, 0]).map { |mib| (mib * MIB).to_i }
      [kind, { private: unshared + fresh, unshared: unshared, fresh: fresh, shared: 10 * MIB, swap: 0 }]
    end
  end

  def member(title, private: 10, shared: 90, swap: 0, regions: nil, pid: 100, depth: 1)
    memory = { private: private * MIB, shared: shared * MIB, pss: (private + (shared / 2)) * MIB, swap: swap * MIB }
    Pitchfork::Cow::Snapshot::Member.new(pid, depth, Pitchfork::Cow::Title.parse(title), memory, regions)
  end

  def worker(number, generation: 1, **options)
    member("pitchfork worker[#{number}] (gen:#{generation})", pid: 200 + number, **options)
  end

  PREPARED = [["collect", 0.25, 1], ["trim", 0.01, -12]].freeze

  # @param ruby [String, nil] and `settings` [Array<String>]: what the mold says of its server
  def notes(*steps, ruby: "3.3.8", settings: [])
    steps = steps.map { |name, seconds, mib| { name: name, seconds: seconds, change: mib * MIB } }
    Notes.new(1, 150, 1_764_000_000, [60 * MIB, 80 * MIB], steps, ruby, settings)
  end

  # @param workers [Array<Member>]
  def snapshot(*workers, notes: notes(*PREPARED), allocator: nil)
    members = [member("pitchfork master", depth: 0), member("pitchfork mold (gen:1)", pid: 150), *workers]
    Pitchfork::Cow::Snapshot.new(taken: Time.at(1_764_000_100), members: members, notes: notes, allocator: allocator)
  end

  # Four equal workers that have written this.
  def four(sizes, generation: 1, **options)
    own = sizes.values.flatten.sum
    snapshot(*Array.new(4) { |n| worker(n, generation: generation, private: own, regions: account(sizes)) }, **options)
  end
end

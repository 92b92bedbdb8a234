# frozen_string_literal: true

require "json"
require "objspace"

# What a process does to become a mold, once, before it forks.
RSpec.describe Pitchfork::Preparation do
  include Addresses

  def prepare(steps = Pitchfork::Preparation::STEPS)
    Pitchfork::Preparation.new(steps).call
  end

  def all_but(step)
    Pitchfork::Preparation::STEPS - [step]
  end

  # @return [Boolean] whether the GC is on; leaves it off
  def gc_on?
    !GC.disable
  end

  def make_garbage
    100_000.times { Object.new }
  end

  it "switches the GC off in the mold and on again in its children" do
    mold, child = fork_and do
      prepare
      child = fork_and do
        Pitchfork::Preparation.release
        gc_on?
      end
      [gc_on?, child]
    end
    expect(mold).to be(false)
    expect(child).to be(true)
  end

  it "leaves the GC on where a mold is not to be sealed" do
    mold = fork_and do
      prepare(all_but(:seal))
      gc_on?
    end
    expect(mold).to be(true)
  end

  it "leaves the GC off in the children where the app has switched it off" do
    child = fork_and do
      GC.disable
      prepare
      fork_and do
        Pitchfork::Preparation.release
        gc_on?
      end
    end
    expect(child).to be(false)
  end

  it "keeps a mold from collecting, whatever it allocates, and lets its children collect" do
    mold, child = fork_and do
      prepare
      collections = lambda do
        before = GC.count
        make_garbage
        GC.count - before
      end
      child = fork_and do
        Pitchfork::Preparation.release
        5.times.sum { collections.call }
      end
      [5.times.sum { collections.call }, child]
    end
    report("500,000 dead objects: #{mold} collections in the mold, #{child} in its child")
    expect(mold).to eq(0)
    expect(child).to be > 0
  end

  it "collects the garbage, so that no child has to" do
    dead = lambda do |steps|
      fork_and do
        type = Class.new
        GC.disable
        50_000.times { type.new }
        prepare(steps)
        ObjectSpace.each_object(type).count
      end
    end
    # A word that is left on the stack may keep one alive.
    expect(dead.(%i[collect])).to be < 10
    expect(dead.(%i[trim seal])).to eq(50_000)
  end

  it "makes survivors old, so that a minor GC in a child does not look at them" do
    old = fork_and do
      survivors = Array.new(1_000) { Object.new }
      prepare
      survivors.count { |object| JSON.parse(ObjectSpace.dump(object)).fetch("flags")["old"] }
    end
    expect(old).to eq(1_000)
  end

  it "moves survivors together, so that a child finds few holes among shared objects" do
    skip "this Ruby can't compact" unless GC.respond_to?(:compact)

    before, after = fork_and do
      survivors = Application.scattered_heap(100_000)
      pages = -> { survivors.map { |object| address_of(object) / Pagemap::PAGE }.uniq.size }
      scattered = pages.call
      prepare
      [scattered, pages.call]
    end
    report("100,000 survivors lay on #{count(before)} pages and lie on #{count(after)}")
    # They had a dead object beside each of them, and a string that lives as long as they do.
    expect(after).to be < before * 0.8
  end

  it "gives free memory back to the kernel" do
    before, kept, after = fork_and do
      # Too large for the heap of Ruby 3.3, and too small for mappings of their own, so that the allocator keeps what they
      # leave. Some stay, or it would go by itself.
      strings = Array.new(60_000) { "x" * 1_000 }
      full = Pagemap.of(Process.pid).size
      strings.select!.with_index { |_, index| index % 1_000 == 999 }
      GC.start
      kept = Pagemap.of(Process.pid).size
      prepare(%i[trim])
      [full, kept, Pagemap.of(Process.pid).size]
    end
    report("#{count(before)} pages with 60 MB of strings, #{count(kept)} after they died, #{count(after)} after the trim")
    expect(before - after).to be > 60_000_000 / Pagemap::PAGE / 2
    expect(kept - after).to be > 60_000_000 / Pagemap::PAGE / 2
  end

  it "says what each step took and gave" do
    steps = fork_and do
      Array.new(60_000) { "x" * 1_000 }
      prepare.steps.map(&:to_a)
    end
    # Process.warmup collects when it compacts; sealing takes and gives nothing.
    expect(steps.map(&:first) | %i[collect seal]).to match_array(Pitchfork::Preparation::STEPS)
    report(steps.map { |step| Pitchfork::Preparation::Step.new(*step) }.join(", "))
    expect(steps.map { |_, seconds, _| seconds }).to all(be_between(0, 30))
    expect(steps.sum { |_, _, change| change }).to be < -30_000_000
  end

  it "asks jemalloc, where that is the allocator" do
    library = Dir["/usr/lib/*/libjemalloc.so.2"].first or skip "jemalloc is not installed"

    script = <<~'RUBY'
      require "pitchfork"
      strings = Array.new(60_000) { "x" * 1_000 }
      strings = nil
      GC.start
      anonymous = -> { Pitchfork::Memory.rollup(Process.pid).fetch(:anonymous) }
      before = anonymous.call
      print Pitchfork::Preparation.trim, " ", before - anonymous.call
    RUBY
    # Purged only when it is told to, for otherwise it does so by itself after ten seconds.
    environment = { "LD_PRELOAD" => library, "MALLOC_CONF" => "dirty_decay_ms:-1,muzzy_decay_ms:-1" }
    name, given_back = IO.popen([environment, RbConfig.ruby, "-I", "#{ServerProcess::ROOT}/lib", "-e", script], &:read).split
    report("#{count(Integer(given_back))} bytes given back by #{name}")
    expect(name).to eq("jemalloc")
    expect(Integer(given_back)).to be > 30_000_000
  end

  it "puts the allocator's free memory in order, so that no child has to" do
    kept = nil
    scatter = lambda do
      # Appended to, so that even Ruby 3.3 asks malloc for the bytes; every other one dies and leaves a hole there.
      kept = Array.new(200_000) { +"" << "x" * 40 }.select.with_index { |_, index| index.odd? }
      GC.start
    end
    # More than any of the holes has, so that malloc looks through them all.
    allocate = -> { "x" * 50_000 + kept.first }
    prepared = pages_written(parent: -> { [scatter, method(:prepare)].each(&:call) }, &allocate)
    unprepared = pages_written(parent: scatter, &allocate)
    report("one string in a child writes to #{prepared.private} pages; without preparation to #{count(unprepared.private)}")
    # 13 pages are the string itself, and as many its first half.
    expect(prepared.private).to be < 100
    expect(unprepared.private).to be > 500
  end
end

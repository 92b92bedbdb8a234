# frozen_string_literal: true

require "support/cow_examples"
require "support/unit_helper"
require "pitchfork/cow/json"
require "pitchfork/cow/page"
require "pitchfork/cow/work"

class CowPageTest < UnitTest
  include CowExamples

  SERVER = <<~TEXT
    process                                pid  private  shared    PSS  swap
    pitchfork master                       100     10.0    90.0   55.0   0.0
    ├─ pitchfork mold (gen:1)              150     10.0    90.0   55.0   0.0
    ├─ pitchfork worker[0] (gen:0)         200     30.0    90.0   75.0   0.0
    └─ pitchfork worker[1] (gen:1)         201     20.0   180.0  110.0   1.0
       └─ pitchfork worker[2] (gen:1) - r  202      0.0     0.0    0.0   0.0
    all, in MiB                                    70.0          295.0   1.0

    MiB per worker      private  un-shared   new  shared  swap
    Ruby's heap            10.0        2.0   8.0    10.0   0.0
    method bodies           0.0        0.0   0.0    10.0   0.0
    malloc                 15.0       10.0   5.0    10.0   0.0
    machine code (JIT)      0.0        0.0   0.0    10.0   0.0
    stacks                  0.0        0.0   0.0    10.0   0.0
    files                   0.0        0.0   0.0    10.0   0.0
    other                   0.0        0.0   0.0    10.0   0.0
    all                    25.0       12.0  13.0    70.0   0.0

    generation  workers  private  shared  of all
    gen:0             1     30.0    90.0    75 %
    gen:1             1     20.0   180.0    90 %

    worker             requests  seconds of GC within  and between
    worker[0] (gen:0)       120                  1.50         0.25

    preparation of the mold, gen:1  seconds    MiB
    private before                            60.0
    collect                           0.250   +1.0
    trim                              0.010  -12.0

    * 10 MiB per worker were un-shared in malloc: the C library's malloc puts what is new into the holes
      between what is old, and the GC's own tables lie there, too.
        allocator :jemalloc
    * 8.0 MiB per worker are new in Ruby's heap: Ruby grows it by a share of the whole, and a worker
      shares most of the whole. Smaller shares cost more collections.
        gc free_slots: [0.05, 0.10, 0.15]
  TEXT

  def server
    sizes = { ruby_heap: [2, 8], malloc: [10, 5] }
    workers = [worker(0, generation: 0, private: 30, regions: account(sizes)),
               worker(1, private: 20, shared: 180, swap: 1, regions: account(sizes)),
               member("pitchfork worker[2] (gen:1) - r", private: 0, shared: 0, pid: 202, depth: 2)]
    workers.last.title.role = :other
    workers.first.work = Pitchfork::Cow::Work.new(120, 1.5, 0.25)
    snapshot(*workers)
  end

  def test_a_server
    assert_equal SERVER.chomp, Pitchfork::Cow::Page.of(server)
  end

  def test_workers_without_notes
    blind = account(malloc: [1, 1]).transform_values { |sizes| sizes.merge(unshared: nil, fresh: nil) }
    page = Pitchfork::Cow::Page.of(snapshot(worker(0, regions: blind), notes: nil))
    assert_includes page, "MiB per worker      private  shared  swap\n"
    refute_includes page, "preparation"
    assert_includes page, "* The workers carry no notes"
  end

  def test_a_server_that_only_begins
    page = Pitchfork::Cow::Page.of(snapshot)
    parts = page.split("\n\n")
    assert_match(/\Aprocess/, parts.first)
    assert_equal "* There are no workers: nothing is shared.", parts.last
    refute_match(/NaN|generation  workers/, page)
  end

  def test_kinds_that_no_worker_has_are_not_listed
    regions = account.merge(jit: { private: 0, unshared: 0, fresh: 0, shared: 0, swap: 0 })
    refute_includes Pitchfork::Cow::Page.of(snapshot(worker(0, regions: regions))), "JIT"
  end

  # The keys are an interface: see docs/cow.md.
  def test_json
    all = JSON.parse(Pitchfork::Cow::Json.snapshot(server))
    assert_equal %w[version taken master allocator total processes generations regions preparation advice], all.keys
    assert_equal [1, 1_764_000_100.0, 100, nil], all.values.first(4)
    sizes = %w[private shared pss swap]
    assert_equal [sizes - ["shared"], 70 * MIB], [all["total"].keys, all["total"]["private"]]
    worker = all["processes"][2]
    assert_equal({ "pid" => 200, "depth" => 1, "title" => "pitchfork worker[0] (gen:0)", "role" => "worker", "name" => "0",
                   "generation" => 0, "status" => nil, "work" => { "requests" => 120, "gc_within" => 1.5, "gc_between" => 0.25 } },
                 worker.except("memory", "regions"))
    assert_nil all["processes"][3]["work"]
    assert_equal [sizes, 30 * MIB, 5 * MIB], [worker["memory"].keys, worker["memory"]["private"], worker["regions"]["malloc"]["fresh"]]
    assert_equal [0, 1, 30 * MIB], [*all["generations"][0].values.first(2), all["generations"][0]["per_worker"]["private"]]
    assert_equal 10 * MIB, all["generations"][1]["regions"]["malloc"]["unshared"]
    assert_equal 20 * MIB, all["regions"]["malloc"]["unshared"]
    assert_equal({ "generation" => 1, "pid" => 150, "prepared" => 1_764_000_000, "before" => { "private" => 60 * MIB, "pss" => 80 * MIB },
                   "steps" => [{ "name" => "collect", "seconds" => 0.25, "change" => MIB },
                               { "name" => "trim", "seconds" => 0.01, "change" => -12 * MIB }] }, all["preparation"])
    assert_equal [%w[malloc nursery], %w[key bytes text settings]], [all["advice"].map { |it| it["key"] }, all["advice"][0].keys]
  end

  def test_json_without_notes
    all = JSON.parse(Pitchfork::Cow::Json.snapshot(snapshot(notes: nil)))
    assert_equal [nil, {}, []], all.values_at("preparation", "regions", "generations")
  end
end

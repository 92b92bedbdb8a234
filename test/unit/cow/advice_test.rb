# frozen_string_literal: true

require "support/cow_examples"
require "support/unit_helper"
require "pitchfork/cow/advice"

# Servers, and what is said of them.
class CowAdviceTest < UnitTest
  include CowExamples

  def advice(snapshot)
    Pitchfork::Cow::Advice.of(snapshot)
  end

  def only(snapshot)
    sentences = advice(snapshot)
    assert_equal 1, sentences.size, sentences.map(&:text)
    sentences.first
  end

  def test_method_bodies_with_yjit
    said = only(four({ malloc: [14.82, 0], method_bodies: [23.18, 0] }))
    assert_equal :method_bodies, said.key
    assert_match(/\A38 MiB per worker were un-shared in malloc, 61 % of it in pages that hold method bodies: YJIT's/, said.text)
    assert_equal ["allocator :jemalloc", "yjit false"], said.settings
    assert_equal 38 * MIB, said.bytes.fdiv(MIB).round * MIB
  end

  # Then nothing counts calls; caches are filled.
  def test_method_bodies_without_jit
    regions = account(method_bodies: [20, 0]).merge(jit: { private: 0, shared: 0, unshared: 0, fresh: 0, swap: 0 })
    said = only(snapshot(*Array.new(2) { |n| worker(n, private: 20, regions: regions) }))
    assert_match(/\A20 MiB .* 100 % .*inline caches/, said.text)
    assert_equal [:method_bodies, ["refork_after [100, 1000, 5000]"]], [said.key, said.settings]
    zero, filled = advice(snapshot(worker(0, generation: 0, private: 20, regions: regions)))
    assert_equal [:generation_zero, :method_bodies, []], [zero.key, filled.key, filled.settings]
  end

  def test_malloc
    said = only(four({ malloc: [20, 0], method_bodies: [5, 0] }))
    assert_match(/\A25 MiB per worker were un-shared in malloc, 20 % of it in pages that hold method bodies: the C library's/, said.text)
    assert_equal [:malloc, ["allocator :jemalloc"]], [said.key, said.settings]
  end

  def test_malloc_with_jemalloc
    said = only(four({ malloc: [20, 0] }, allocator: "jemalloc"))
    assert_match(/with jemalloc .*--who/, said.text)
    assert_empty said.settings
  end

  def test_the_heap_of_a_mold_that_was_not_collected
    said = only(four({ ruby_heap: [30, 0] }, notes: notes(["hooks", 0.1, 0], ["trim", 0.1, 0])))
    assert_match(/\A30 MiB per worker were un-shared in Ruby's heap: their mold was forked from without a collection/, said.text)
    assert_equal :ruby_heap, said.key
    refute_empty said.settings
  end

  def test_the_heap_of_a_mold_that_was_collected
    said = only(four({ ruby_heap: [30, 0] }))
    assert_match(/though their mold was collected.*--who/, said.text)
    assert_empty said.settings
  end

  def test_the_nursery
    said = only(four({ ruby_heap: [0, 24] }))
    assert_match(/\A24 MiB per worker are new in Ruby's heap/, said.text)
    assert_equal [:nursery, ["gc free_slots: [0.05, 0.10, 0.15]"]], [said.key, said.settings]
  end

  def test_machine_code
    said = only(four({ jit: [2, 6] }))
    assert_match(/\A8.0 MiB per worker are machine code/, said.text)
    assert_equal [:jit, ["refork_after [200, 1000, 5000]", "yjit_until_promotion :first_worker"]], [said.key, said.settings]
  end

  def test_generation_zero
    sentences = advice(four({ malloc: [3, 3], ruby_heap: [3, 3] }, generation: 0))
    assert_equal [:generation_zero], sentences.map(&:key)
    assert_match(/\A12 MiB per worker are its own, .* generation 0/, sentences.first.text)
    assert_equal ["refork_after [50, 100, 1000]", "refork_when :sharing"], sentences.first.settings
  end

  def test_generation_zero_and_a_later_one
    workers = [0, 1].map { |n| worker(n, generation: n, private: 12, regions: account(malloc: [3, 3], ruby_heap: [3, 3])) }
    assert_equal :nothing, only(snapshot(*workers)).key
  end

  def test_a_bloated_worker
    sizes = [10, 11, 50, 12]
    said = only(snapshot(*sizes.each_with_index.map { |mib, n| worker(n, private: mib, regions: account(file: [0, mib])) }))
    assert_match(/\Aworker\[2\] \(pid 202\) has 50 MiB of its own, the others about 11 MiB/, said.text)
    assert_equal ["worker_memory_limit private: \"22M\""], said.settings
  end

  def test_a_worker_that_is_only_ahead
    workers = [30, 9, 10, 9].each_with_index.map { |mib, n| worker(n, private: mib, regions: account(file: [0, mib])) }
    assert_equal :nothing, only(snapshot(*workers)).key
  end

  # One of two may be the one that is right.
  def test_two_workers_are_not_compared
    assert_equal :nothing, only(snapshot(*[10, 60].each_with_index.map { |mib, n| worker(n, private: mib, regions: account) })).key
  end

  def test_swap
    said = only(snapshot(worker(0, private: 3, swap: 8, regions: account)))
    assert_equal [:swap, "8.0 MiB are swapped out, and are missing in the other columns."], [said.key, said.text]
  end

  def test_nothing_to_do
    said = only(four({ ruby_heap: [1, 1], malloc: [1, 1] }))
    assert_equal [:nothing, "Nothing to do: a worker has 4.0 MiB of its own, and shares 96 % of what it uses."], [said.key, said.text]
  end

  # 5 MiB of 60 can't change much.
  def test_what_is_small_beside_the_rest
    assert_equal [:nursery], advice(four({ ruby_heap: [0, 55], malloc: [5, 0] })).map(&:key)
  end

  def test_the_largest_comes_first
    sentences = advice(four({ ruby_heap: [10, 30], malloc: [20, 0] }))
    assert_equal %i[nursery malloc ruby_heap], sentences.map(&:key)
    assert_equal sentences.map(&:bytes).sort.reverse, sentences.map(&:bytes)
  end

  def test_workers_without_notes
    regions = account(ruby_heap: [10, 10]).transform_values { |sizes| sizes.merge(unshared: nil, fresh: nil) }
    sentences = advice(snapshot(worker(0, generation: 0, private: 20, regions: regions), notes: nil))
    assert_equal %i[no_notes generation_zero], sentences.map(&:key)
    assert_match(/their mold is an older pitchfork's, or could not leave them/, sentences.first.text)
    assert_match(/\A20 MiB per worker/, sentences.last.text)
  end

  def test_no_workers
    assert_equal :no_workers, only(snapshot).key
  end
end

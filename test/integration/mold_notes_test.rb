# frozen_string_literal: true

require "support/life"
require "pitchfork/memory"

# What a mold's notes say about addresses, held to what Ruby says and to what a worker does.
class MoldNotesTest < LifeTest
  KEPT = <<~'RUBY'
    require "objspace"
    KEPT = Array.new(20_000) { Object.new }
    run ->(env) { [200, {}, KEPT.map { |object| "#{ObjectSpace.dump(object)[/"address":"0x(\h+)"/, 1]}\n" }] }
  RUBY

  # Methods that are called and never get hot.
  LUKEWARM = <<~'RUBY'
    module Lukewarm
      COUNT = 2_000
      COUNT.times { |number| module_eval("def self.method_#{number}(sum) = sum + #{number}", "#{number}.rb") }
      NAMES = Array.new(COUNT) { |number| :"method_#{number}" }.freeze
    end
    run ->(env) { [200, {}, [Process.pid.to_s, "\n", Lukewarm::NAMES.sum { |name| Lukewarm.public_send(name, 1) }.to_s]] }
  RUBY
  YJIT = %w[--yjit --yjit-call-threshold=100000].freeze

  def notes(pid)
    Pitchfork::Memory::Notes.parse(Pitchfork::Memory.notes(pid))
  end

  def covered?(ranges, address)
    ranges.any? { |first, behind| address >= first && address < behind }
  end

  def refork(server)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
  end

  def test_the_heap_is_where_objects_are
    server = start(app: KEPT, config: "refork_max_unavailable 1")
    refork(server)
    addresses = server.get.body.lines.map { |line| line.to_i(16) }
    assert_equal 20_000, addresses.size
    notes = notes(server.process("pitchfork worker[0]").pid)
    assert_empty(addresses.reject { |address| covered?(notes.heap, address) })
    assert_empty(addresses.reject { |address| covered?(notes.had, address) })
    refute covered?(notes.code, addresses.first)
    assert_clean_stop server
  end

  # @return [(Hash, Hash)] what a worker has un-shared in pages with method bodies, and in the rest of malloc's, by calling
  #   methods that its mold has called before
  def unshared_by_calls(ruby)
    server = start(app: LUKEWARM, ruby: ruby, config: "refork_max_unavailable 1")
    3.times { server.get }
    refork(server)
    pid = 3.times.map { Integer(server.get.body.lines.first) }.last
    account = Pitchfork::Memory.account(pid, Pitchfork::Memory.notes(pid))
    assert_clean_stop server
    account.values_at(:method_bodies, :malloc).map { |sum| sum.fetch(:unshared) }
  end

  def test_method_bodies_are_where_yjit_counts_calls
    skip "this Ruby was built without YJIT" unless system(RbConfig.ruby, *YJIT, "-e", "", err: File::NULL)

    bodies, rest = unshared_by_calls(YJIT)
    # A body has more than 300 bytes, so they are on 150 pages at least.
    assert_operator bodies, :>, 150 * 4096
    assert_operator bodies, :>, 2 * rest
    without, = unshared_by_calls(%w[--disable-yjit])
    assert_operator without, :<, bodies / 2
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/reader"

class CowReaderTest < UnitTest
  # Memory of processes by pid; an exception is raised.
  FakeMemory = Struct.new(:rollups) do
    def rollup(pid) = give(rollups.fetch(pid) { raise Errno::ENOENT })
    def account(pid, notes) = { ruby_heap: { private: give(rollups.fetch(pid))[:private], unshared: notes && 1, fresh: notes && 2 } }
    def notes(pid) = (pid == 13 ? nil : "of #{pid}")

    def give(answer)
      raise answer if answer.is_a?(Exception)

      answer
    end
  end
  # What Memory::Notes.parse answers.
  FakeNotes = Struct.new(:text) { def self.parse(text) = new(text) }

  FakeWork = Object.new
  def FakeWork.of(master)
    { 13 => "the work of 13 for #{master}", 14 => "nobody's" }
  end

  class Table < Pitchfork::ProcessTable
    attr_accessor :owners

    def tree(_root)
      titles = ["pitchfork master", "pitchfork mold (gen:0)", "pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)",
                "pitchfork service[mail] (gen:1)"]
      titles.each_with_index.map { |title, at| Pitchfork::ProcessTable::Node.new(10 + at, at.zero? ? 0 : 1, title) }
    end

    def owner(pid)
      owners.fetch(pid, Process.euid)
    end
  end

  def reader(owners: {}, **rollups)
    given = rollups.transform_keys { |key| key.to_s.delete_prefix("p").to_i }
    memory = FakeMemory.new((10..14).to_h { |pid| [pid, { private: pid, pss: pid }] }.merge(given))
    table = Table.new("/nowhere")
    table.owners = owners
    @steps = 0
    pace = Object.new
    test = self
    pace.define_singleton_method(:step) { |&block| test.count(&block) }
    Pitchfork::Cow::Reader.new(10, pace: pace, table: table, memory: memory, notes: FakeNotes, work: FakeWork)
  end

  def count
    @steps += 1
    yield
  end

  def test_sums
    snapshot = reader.sums
    assert_equal (10..14).to_a, snapshot.members.map(&:pid)
    assert_equal [[10, 13], [13]], [snapshot.members.values_at(0, 3).map { |it| it.memory[:private] }, snapshot.workers.map(&:pid)]
    assert_equal 6, @steps, "one step for the tree, one for each process"
    assert_nil snapshot.notes
  end

  def test_regions_and_the_newest_molds_notes
    snapshot = reader.all
    assert_equal "of 12", snapshot.notes.text
    assert_equal({ ruby_heap: { private: 13, unshared: nil, fresh: nil } }, snapshot.workers.first.regions)
    assert_equal [13], snapshot.members.select(&:regions).map(&:pid)
    assert_equal ["the work of 13 for 10"], snapshot.members.filter_map(&:work)
  end

  def test_who_ends_meanwhile_is_left_out
    assert_equal [10, 11, 12, 14], reader(p13: Errno::ESRCH.new).sums.members.map(&:pid)
    assert_equal [10, 11, 12, 14], reader(p13: Errno::ENOENT.new).all.members.map(&:pid)
  end

  def test_a_server_that_has_ended
    assert_raises(Errno::ESRCH) { reader(p10: Errno::ENOENT.new).sums }
  end

  def test_another_users_server
    me = Etc.getpwuid.name
    refused = Errno::EACCES.new
    all = ->(uid) { (10..14).to_h { |pid| [pid, uid] } }
    begun = "process 10: the kernel does not let #{me} read the memory of this server, which belongs to "
    assert_message("#{begun}user 4242; run this as user 4242 or root") { reader(p10: refused, owners: all.(4242)).sums }
    assert_message("#{begun}user 4242 and user 4343; run this as root") { reader(p10: refused, owners: all.(4343).merge(10 => 4242)).sums }
    assert_message("#{begun}#{me}; it has become that user after its start, which hides it; run this as root, or let systemd or setpriv " \
                   "choose the user") { reader(p10: refused).sums }
  end
end

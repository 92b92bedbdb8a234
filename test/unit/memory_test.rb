# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"
require "pitchfork/memory"

# What the methods say of this process, and of those that there are not. Whole processes: test/integration/memory_account_test.rb.
class MemoryTest < UnitTest
  Memory = Pitchfork::Memory

  NOTES = <<~TEXT
    pitchfork notes 1
    generation 2
    pid 4711
    prepared 1764000000
    ruby 3.3.8
    setting refork_after
    setting gc free_slots
    before 104857600 62914560
    step gc 0.120000 4096
    step compact 1.500000 -8388608
    heap 7f5c00000000-7f5c00400000
    code 55d0c8a4e000-55d0c8a60000
    had 55d0c8a00000-55d0c9f00000
    had 7f5c00000000-7f5c00400000
  TEXT

  # The last pid a kernel can have is 4,194,303.
  NOBODY = 4_194_304

  def test_rollup
    sums = Memory.rollup(Process.pid)
    assert_equal(sums[:rss], sums[:private] + sums[:shared])
    assert_equal(sums[:private], sums[:private_clean] + sums[:private_dirty])
    assert_equal(sums[:shared], sums[:shared_clean] + sums[:shared_dirty])
    assert_includes(sums[:private]..sums[:rss], sums[:pss])
    assert(sums.values.all? { |bytes| (bytes % 1024).zero? })
  end

  def test_account_without_notes
    account = Memory.account(Process.pid, nil)
    assert_equal(Memory::KINDS, account.keys)
    account.each_value do |sum|
      assert_equal(%i[private shared swap unshared fresh], sum.keys)
      assert_nil(sum[:unshared])
      assert_nil(sum[:fresh])
    end
    assert_equal(0, account[:method_bodies][:private])
    %i[ruby_heap malloc stack file].each { |kind| assert_operator(account[kind].values_at(:private, :shared).sum, :>, 0, kind) }
  end

  def test_notes_are_read
    notes = Memory::Notes.parse(NOTES)
    assert_equal([2, 4711, 1_764_000_000], [notes.generation, notes.pid, notes.prepared])
    assert_equal([104_857_600, 62_914_560], notes.before)
    assert_equal(["3.3.8", ["refork_after", "gc free_slots"]], [notes.ruby, notes.settings])
    assert_equal([{ name: "gc", seconds: 0.12, change: 4096 }, { name: "compact", seconds: 1.5, change: -8_388_608 }], notes.steps)
    assert_equal([[0x7f5c00000000, 0x7f5c00400000]], notes.heap)
    assert_equal([[0x55d0c8a4e000, 0x55d0c8a60000]], notes.code)
    assert_equal([[0x55d0c8a00000, 0x55d0c9f00000], [0x7f5c00000000, 0x7f5c00400000]], notes.had)
    assert_equal("#<Pitchfork::Memory::Notes generation 2, pid 4711>", notes.inspect)
  end

  def test_notes_of_an_older_pitchfork
    notes = Memory::Notes.parse(NOTES.gsub(/^(?:ruby|setting) .*\n/, ""))
    assert_equal([nil, [], 2], [notes.ruby, notes.settings, notes.generation])
  end

  def test_texts_that_are_no_notes
    assert_message('a mold\'s notes begin with "pitchfork notes 1", these with "hello".', ArgumentError) { Memory::Notes.parse("hello") }
    text = NOTES.sub("pid 4711", "pid many")
    assert_message('a mold\'s notes make no sense in line 3: "pid many".', ArgumentError) { Memory.account(Process.pid, text) }
    text = NOTES.sub("pid 4711\n", "")
    assert_message('a mold\'s notes have a line "pid", these have none.', ArgumentError) { Memory::Notes.parse(text) }
  end

  def test_a_process_that_is_gone
    calls.each { |name, call| assert_raises(Errno::ENOENT, Errno::ESRCH, name) { call.(NOBODY) } }
  end

  # It has a pid until its parent asks for its status, and no memory.
  def test_a_process_that_has_ended
    pid = fork { exit!(0) }
    wait_for_end(pid)
    %i[rollup account anonymous_pages].each { |name| assert_raises(Errno::ESRCH, name) { calls[name].(pid) } }
  ensure
    Process.wait(pid) if pid
  end

  def test_another_users_process
    skip "only root can become another user" unless Process.uid.zero?

    master = Process.pid
    reader, writer = IO.pipe
    pid = fork do
      Process::UID.change_privilege(65_534)
      writer.puts(calls.map { |_, call| call.(master) && "read" rescue $!.class })
      exit!(0)
    end
    writer.close
    assert_equal(["Errno::EACCES"] * calls.size, reader.read.split)
  ensure
    Process.wait(pid) if pid
  end

  private

  def calls
    { rollup: Memory.method(:rollup), account: ->(pid) { Memory.account(pid, nil) }, notes: Memory.method(:notes),
      anonymous_pages: Memory.method(:anonymous_pages) }
  end

  # Process.wait would reap it.
  def wait_for_end(pid)
    Thread.pass until File.read("/proc/#{pid}/stat")[/\) (\w)/, 1] == "Z"
  end
end

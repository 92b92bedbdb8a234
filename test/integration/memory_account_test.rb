# frozen_string_literal: true

require "support/integration_helper"
require "json"
require "rbconfig"
require "pitchfork"
require "pitchfork/memory"

# The account of real Ruby processes: a mold with objects and a worker that has written to some and made new ones. That the pages are
# counted exactly, ext/core/tests/memory_truth has shown; here nobody knows them all.
class MemoryAccountTest < IntegrationTest
  MEBIBYTE = 1024 * 1024

  # Ruby's heap pages are where its objects are: an address is in what `inspect` says of an object without instance variables.
  MOLD = <<~'RUBY'
    require "json"
    $stdout.sync = true
    objects = Array.new(100_000) { Object.new }
    texts = Array.new(20_000) { |i| "#{i} " * 1000 }
    3.times { GC.start }
    heap = objects.map { |object| object.inspect[/0x(\h+)/, 1].hex & ~0xffff }.uniq
    worker = fork do
      $stdin.gets
      texts.each_with_index { |text, i| text.setbyte(0, 65) if i.even? }
      fresh = Array.new(200_000) { Object.new }
      puts "done #{fresh.size}"
      sleep
    end
    puts JSON.generate(worker: worker, heap: heap)
    Process.wait(worker)
  RUBY

  def before_setup
    super
    @mold = IO.popen([RbConfig.ruby, "-e", MOLD], "r+")
    born = JSON.parse(@mold.gets, symbolize_names: true)
    @worker = born[:worker]
    @had = Pitchfork::Memory.anonymous_pages(@mold.pid)
    @notes = "pitchfork notes 1\ngeneration 0\npid #{@mold.pid}\nprepared 1\n"
    @notes << ranges("heap", born[:heap].map { |page| [page, page + 65_536] }) << ranges("had", @had)
  end

  def after_teardown
    [@worker, @mold&.pid].compact.each { |pid| Process.kill(:KILL, pid) }
    @mold&.close
    super
  end

  def test_it_adds_up_and_tells_what_was_written
    before = account
    @mold.puts("write")
    assert_match(/done 200000/, @mold.gets)
    after = account
    # Ten thousand strings of 4,900 bytes and more: at least one page each.
    assert_operator(growth(before, after, :malloc, :unshared), :>, 30 * MEBIBYTE)
    # 200,000 objects of 40 bytes.
    assert_in_delta(200_000 * 40, growth(before, after, :ruby_heap, :fresh), 4 * MEBIBYTE)
    after.each { |kind, sum| assert_equal(sum[:private], sum[:unshared] + sum[:fresh], kind) }
    assert_operator(after[:file][:shared], :>, MEBIBYTE)
    assert_operator(after[:stack][:private], :>, 0)
  end

  def test_other_processes_carry_no_notes
    assert_nil(Pitchfork::Memory.notes(@worker))
  end

  private

  # The account, which has to be what the kernel adds up itself, but for what happens in between: other processes come and go, which
  # use the same libraries.
  def account
    account = Pitchfork::Memory.account(@worker, @notes)
    rollup = Pitchfork::Memory.rollup(@worker)
    %i[private shared swap].each do |part|
      assert_in_delta(rollup[part], account.values.sum { |sum| sum[part] }, 64 * 4096, part)
    end
    account
  end

  def growth(before, after, kind, part)
    after[kind][part] - before[kind][part]
  end

  def ranges(fact, pairs)
    pairs.map { |first, behind| format("%s %x-%x\n", fact, first, behind) }.join
  end
end

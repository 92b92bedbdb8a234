# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/who/page"
require "pitchfork/cow/who/places"
require "pitchfork/cow/who/report"
require "pitchfork/cow/who/tally"

# Page faults by what has become of the memory, and by who it was.
class WhoTallyTest < UnitTest
  Who = Pitchfork::Cow::Who
  Notes = Struct.new(:had, :heap, :code)

  NOTES = Notes.new([[0x1000, 0x5000], [0x8000, 0x9000]], [[0x1000, 0x2000]], [[0x3000, 0x4000]])
  MAPS = <<~TEXT
    1000-6000 rw-p 00000000 00:00 0                          [heap]
    8000-a000 rw-p 00000000 00:00 0
    a000-b000 r-xp 00000000 00:00 0
    c000-d000 r--p 00000000 08:01 99                         /usr/lib/lib with blanks.so.1
    e000-f000 rw-p 00000000 00:00 0                          [stack]
  TEXT

  def places(notes = NOTES)
    Who::Places.new(notes, MAPS)
  end

  def test_what_the_mold_had_is_unshared_and_all_else_new
    fates = [0x1000, 0x4fff, 0x5000, 0x8fff, 0x9000, 0xc500, 0xff000].map { |address| places.fate(address) }
    assert_equal(%i[unshared unshared new unshared new files new], fates)
    assert_equal(:unknown, places(nil).fate(0x1000))
  end

  def test_kinds_of_memory
    kinds = [0x1800, 0x3fff, 0x2000, 0x8000, 0x9000, 0xa000, 0xc000, 0xe000, 0xff000].map { |address| places.kind(address) }
    assert_equal(["Ruby's heap", "method bodies", "malloc", "malloc, stacks", "Ruby's heap, malloc", "machine code (JIT)",
                  "lib with blanks.so.1", "stacks", "given back since"], kinds)
    assert_equal("malloc", places(nil).kind(0x1800))
  end

  def report
    Who::Report.parse(<<~TEXT)
      seconds 2.000
      requests 7
      faults 1000
      frame 1 Hoarder#touch\tapp.rb:12
      frame 2 String#setbyte
      frame 3 Hoarder#grow\tapp.rb:20
      function 0 rb_str_setbyte
      function 1 libruby.so+0x1a
      sample 1000 30 0 2,1,3
      sample 3000 20 0 2,1
      sample 4000 10 1 gc
      sample 9000 30 1 3
      sample 9800 5 1 2
      sample c000 5 1 -
      end
    TEXT
  end

  def test_shares_are_of_the_same_fate_and_pages_of_all_faults
    tally = Who::Tally.new(report, places)
    assert_equal([600.0, 0.6, 3], tally.total(:unshared).to_a.drop(2))
    assert_equal([["Hoarder#touch, calling String#setbyte", "app.rb:12", 500.0, 50 / 60.0, 2],
                  ["(garbage collection)", nil, 100.0, 10 / 60.0, 1]], tally.methods(:unshared).map(&:to_a))
    assert_equal([["Hoarder#grow", 300.0], ["String#setbyte", 50.0]], tally.methods(:new).map { |line| [line.name, line.pages] })
    assert_equal({ "rb_str_setbyte" => 2, "libruby.so+0x1a" => 1 }, tally.functions(:unshared).to_h { |line| [line.name, line.samples] })
    assert_equal(["Ruby's heap", "method bodies", "malloc"], tally.kinds(:unshared).map(&:name))
    assert_equal(["(not known)"], tally.methods(:files).map(&:name))
  end

  def test_nothing_at_all
    empty = Who::Report.parse("seconds 2.000\nrequests 0\nfaults 0\nend\n")
    text = Who::Page.new("worker[0]", empty, Who::Tally.new(empty, places)).to_s
    assert_match(/\Aworker\[0\] was watched for 2\.0 s.*0 page faults.*0 of them sampled$/, text)
    assert_match(/^un-shared: nothing while it was watched$/, text)
    refute_match(/NaN| % /, text)
  end

  def test_the_page
    text = Who::Page.new("worker[0]", report, Who::Tally.new(report, places)).to_s
    assert_match(/^un-shared: .*\n60 % of the faults, about 2\.3 MiB, 1\.2 MiB a second$/, text)
    assert_match(/^Hoarder#touch, calling String#setbyte +83 % +2\.0 +app\.rb:12$/, text)
    assert_match(/^rb_str_setbyte +83 % +2\.0$/, text)
    assert_match(/^Hoarder#grow +86 % +1\.2 +app\.rb:20$/, text)
    assert_match(/^files: .*\n5 % of the faults/, text)
    assert_match(/one fault in 166\.7 was sampled/, text)
    assert_match(/addr2line/, text)
    refute_match(/nothing while/, text)
  end
end

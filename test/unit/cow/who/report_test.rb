# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/who/report"

# What a worker has written about its page faults.
class WhoReportTest < UnitTest
  Report = Pitchfork::Cow::Who::Report

  TEXT = <<~TEXT
    pitchfork who 1
    until 5
    seconds 1.500
    requests 7
    faults 90
    frame 17 Hoarder#touch\tapp with blanks.rb:12
    frame 3 Array#<<
    function 0 rb_ary_push
    function 1 libc.so.6+0x1a
    sample 7f3a4c001000 4 0 3,17
    sample 10 1 1 gc
    sample 20 2 0 -
    end
  TEXT

  def test_what_was_sampled
    report = Report.parse(TEXT)
    assert_equal([1.5, 7, 90, false], [report.seconds, report.requests, report.faults, report.full?])
    first, second, third = report.samples
    assert_equal([0x7f3a4c001000, 4, "rb_ary_push"], [first.address, first.weight, first.function])
    assert_equal([["Array#<<", nil], ["Hoarder#touch", "app with blanks.rb:12"]], first.frames.map(&:to_a))
    assert_equal([:gc, "libc.so.6+0x1a", nil], [second.frames, second.function, third.frames])
  end

  def test_an_early_end
    assert_predicate(Report.parse(TEXT.sub("faults 90", "faults 90\nfull")), :full?)
  end

  def test_why_there_is_none_and_what_helps
    error = assert_raises(Pitchfork::ConfigurationError) { Report.parse("pitchfork who 1\nuntil 5\nerror EACCES perf_event_open\nend\n") }
    assert_match(/perf_event_open: EACCES.*sysctl kernel\.perf_event_paranoid=2/, error.message)
    assert_match(/seccomp.*--cap-add PERFMON/, Report.remedy("EPERM", "perf_event_open"))
    assert_equal("the worker could not sample page faults: sigaction failed with EBUSY", Report.remedy("EBUSY", "sigaction"))
  end
end

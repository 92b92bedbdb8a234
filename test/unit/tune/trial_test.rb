# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"
require "pitchfork/tune/candidate"
require "pitchfork/tune/trial"

# What a trial makes of a server's processes when it reads their memory.
class TuneTrialTest < UnitTest
  Tune = Pitchfork::Tune
  Server = Struct.new(:tree, :last_words)

  def memory(*tree, workers: 1)
    subject = Struct.new(:workers).new(workers)
    Tune::Trial.new(subject, nil, Tune::Candidate.new, failed_log: "failed.log").send(:memory, Server.new(tree, "bye\n"))
  end

  def node(title, pid = Process.pid)
    Tune::ProcessTree::Node.new(pid, title, 0, 0.0)
  end

  # @return [Integer] a pid that nobody has: its process has ended, and was waited for
  def nobody
    Process.fork { exit!(0) }.tap { |pid| Process.wait(pid) }
  end

  def test_what_has_ended_since_it_was_listed_does_not_count
    worker = node("pitchfork worker[0] (gen:0)")
    figures = memory(worker, node("pitchfork mold (gen:0)"), node("convert in.png out.jpg", nobody))
    assert_operator figures[:private], :>, 0
    assert_in_delta figures[:private], figures[:mold], figures[:private] / 2
    assert_operator memory(worker, node("ruby", nobody))[:pss], :<, figures[:pss]
  end

  def test_workers_are_missed
    workers = [Process.pid, nobody].each_with_index.map { |pid, number| node("pitchfork worker[#{number}] (gen:0)", pid) }
    error = assert_raises(Tune::Failed) { memory(*workers, workers: 2) }
    assert_equal "only 1 of 2 workers left. It said:\nbye\n", error.message
  end
end

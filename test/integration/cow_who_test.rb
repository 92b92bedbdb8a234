# frozen_string_literal: true

require "support/watched_server"

# `pitchfork cow --who`: who un-shares memory, and what remains of the question in those that were asked.
class CowWhoTest < WatchedServerTest
  def setup
    @server = start(app: APP, config: "worker_processes 1\nrefork_after false\npromotion :in_place\n")
  end

  # The rows of a table below a heading of the section that begins so.
  def table(text, section, heading)
    rows = text[/^#{section}: .*?(?=^(?:un-shared|new|files|\*))/m].to_s[/^#{heading} .*?\n\n/m].to_s
    rows.lines.drop(1)
  end

  # @return [Float] of all rows of a table for this method
  def mebibytes(rows, method)
    rows.grep(/\A#{method}\b/).sum { |row| Float(row[/ % +(\d+\.\d) /, 1]) }
  end

  def test_the_writer_to_inherited_memory_and_the_writer_to_new_memory_are_told_apart
    @server.get("/")
    before = [worker, descriptors(worker), signals(worker)]
    asking = ask(seconds: 5)
    await(asking)
    %w[/fork /touch /grow].each { |path| @server.get(path) }
    text, status = asking.wait
    assert_equal(0, status, text)
    assert_match(/\Aworker\[0\] \(gen:0, pid #{worker}\) was watched for \d\.\d s/, text)
    assert_match(%r{\AHoarder#touch.*/config\.ru:5$}, table(text, "un-shared", "by Ruby method").first, text)
    assert_match(%r{\AHoarder#grow.*/config\.ru:9$}, table(text, "new", "by Ruby method").first, text)
    # Any method writes to a few inherited pages of malloc and of the stack.
    unshared, fresh = %w[un-shared new].map { |section| table(text, section, "by Ruby method") }
    assert_in_delta(32, mebibytes(unshared, "Hoarder#touch"), 16, text)
    assert_operator(mebibytes(unshared, "Hoarder#grow"), :<, 2, text)
    assert_in_delta(32, mebibytes(fresh, "Hoarder#grow"), 16, text)
    assert_operator(mebibytes(fresh, "Hoarder#touch"), :<, 2, text)

    2.times { @server.get("/") } # the end of the first one is over when the second is answered
    assert_equal(before, [worker, descriptors(worker), signals(worker)])
  end

  def test_a_worker_that_was_watched_becomes_a_mold_like_any_other
    asking = ask("0")
    await(asking)
    asked = worker
    mold = @server.process("pitchfork mold").pid
    before = [descriptors(mold).size, signals(mold)]
    @server.signal(:USR2)
    assert_equal(asked.to_s, @server.wait_for(/promoted: mold gen=1 pid=(\d+)/)[1])
    @server.wait_for(/rollout gen=1 done/)
    assert_equal("1", @server.get("/").body.split.last)
    assert_equal(before, [descriptors(asked).size, signals(asked)], "#{descriptors(asked)}")
    text, status = asking.wait
    assert_equal(0, status, text)
    assert_match(/pid #{asked}\) was watched for/, text)
  end

  def test_what_was_seen_by_a_worker_that_retires_is_not_lost
    asking = ask
    await(asking)
    @server.get("/touch")
    asked = worker
    @server.signal(:TERM, to: asked)
    @server.wait_gone(asked)
    text, status = asking.wait
    assert_equal(0, status, text)
    assert_match(/^Hoarder#touch/, text)
  end

  def test_a_worker_that_is_killed
    asking = ask
    await(asking)
    asked = worker
    @server.signal(:KILL, to: asked)
    text, status = asking.wait
    assert_equal(["pitchfork cow: worker[0] (gen:0, pid #{asked}) has ended before it could report\n", 1], [text, status])
    refute_equal(asked, Integer(@server.get("/").body.split.first))
  end

  def test_an_idle_worker_reports_when_its_time_is_up
    asking = ask(seconds: 2)
    await(asking)
    text, status = asking.wait
    assert_equal(0, status, text)
  end

  def test_a_worker_to_which_nobody_comes_is_not_waited_for
    text, status = ask("0", seconds: 0.5).wait
    assert_equal(["pitchfork cow: worker[0] (gen:0, pid #{worker}) has begun no request in 0.5 s, so there was nothing to see\n", 1],
                 [text, status])
    @server.get("/")
    refute(descriptors(worker).any? { |link| link.include?("pitchfork who") }, "the question was not taken back")
  end

  def test_two_who_ask_at_the_same_time
    first = ask(seconds: 20)
    await(first)
    text, status = ask("0", seconds: 1).wait
    assert_equal(1, status)
    assert_match(/is being watched for somebody else/, text)
    Process.kill(:INT, first.pid)
    assert_match(/was to be asked no longer/, first.wait.first)
    @server.get("/")
    @server.get("/")
    refute(descriptors(worker).any? { |link| link.match?(/perf_event|pitchfork who/) }, "Ctrl-C has ended it")
  end

  def test_garbage_collection_is_named
    asking = ask(seconds: 2)
    await(asking)
    @server.get("/collect")
    text, status = asking.wait
    assert_equal(0, status, text)
    assert_match(/^\(garbage collection\)/, text)
  end

  def test_mistakes
    text, status = ask("7").wait
    assert_match(/--who 7: there is no such worker, only 0; the pid of a master stands apart \(pitchfork cow 7 --who\)$/, text)
    assert_equal(1, status)
    text, = ask(seconds: 61).wait
    assert_match(/--for 61: --who watches a worker for 60 s at most/, text)
  end
end

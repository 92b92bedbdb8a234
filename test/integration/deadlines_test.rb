# frozen_string_literal: true

require "support/life"

# `env["pitchfork.timeout"]`: what an app knows of its deadline, and how it moves it.
class DeadlinesTest < LifeTest
  APP = <<~'RUBY'
    NOW = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
    kept = nil
    run ->(env) do
      timeout = env["pitchfork.timeout"]
      answer =
        case env["PATH_INFO"]
        when "/ask" then [timeout.deadline - NOW.(), timeout.remaining, Thread.list.size]
        when "/extend" then [timeout.extend_deadline(100) - NOW.(), sleep(1.5)]
        when "/shorten" then sleep(timeout.deadline = NOW.() + 0.1)
        when "/never" then [timeout.deadline = Float::INFINITY, timeout.remaining, sleep(1.5)]
        when "/nonsense" then [Float::NAN, nil, "1"].map { |value| (timeout.deadline = value) rescue $!.class }
        when "/keep" then (kept = timeout) && []
        when "/old" then [kept.deadline, kept.remaining, kept.extend_deadline(-100), kept.deadline = 0, timeout.remaining]
        when "/urgent" then [3.times { Process.kill(:URG, Process.pid) }, Thread.list.size]
        end
      [200, {}, [JSON.generate(answer)]]
    end
  RUBY

  def ask(server, path)
    JSON.parse(server.get(path).body)
  end

  def serve(timeout)
    start(app: "require 'json'\n#{APP}", config: "timeout #{timeout}")
  end

  def test_the_configured_one
    until_then, remaining, threads = ask(serve(20), "/ask")
    assert_operator until_then, :<=, 20
    assert_operator remaining, :>, 10
    assert_operator remaining, :<=, until_then
    assert_equal 1, threads
  end

  def test_a_later_one
    server = serve(0.5)
    left, = ask(server, "/extend")
    assert_in_delta 100, left, 5
    refute_match(/is late/, server.log)
  end

  def test_an_earlier_one
    server = serve(60)
    assert_raises(EOFError, Errno::ECONNRESET) { server.get("/shorten") }
    late = server.wait_for(%r{GET /shorten is late after (\d+\.\d+)s})[1].to_f
    assert_operator late, :<, 30
    server.wait_for(/exited with status 1/)
  end

  def test_none
    server = serve(0.5)
    assert_operator server.get("/never").code.to_i, :==, 500 # JSON has no Infinity
    refute_match(/is late/, server.log)
  end

  def test_what_is_no_time
    assert_equal %w[ArgumentError TypeError TypeError], ask(serve(20), "/nonsense")
  end

  def test_one_that_is_kept_has_no_say_in_later_requests
    server = serve(20)
    ask(server, "/keep")
    *nothing, assigned, remaining = ask(server, "/old")
    assert_equal [nil, nil, nil, 0], [*nothing, assigned]
    assert_operator remaining, :>, 10
  end

  # A signal that comes too late for the request it was meant for, or from somebody else.
  def test_a_signal_while_nothing_is_late
    server = serve(20)
    worker = server.process("pitchfork worker[0]").pid
    server.signal(:URG, to: worker)
    assert_equal [3, 1], ask(server, "/urgent")
    assert_equal worker, server.process("pitchfork worker[0]").pid
    assert_clean_stop server
  end
end

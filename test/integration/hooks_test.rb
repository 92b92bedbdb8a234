# frozen_string_literal: true

require "support/life"

# The callbacks: in which process, in which order, with which arguments.
class HooksTest < LifeTest
  CONFIG = <<~'RUBY'
    %i[after_monitor_ready before_fork].each do |name|
      public_send(name) { |server| record(name, ppid: Process.ppid, title: File.binread("/proc/self/cmdline").delete("\0"), workers: server.worker_processes) }
    end
    after_mold_fork { |server, mold| record(:after_mold_fork, mold: mold.mold?, nr: mold.nr, mold_pid: mold.pid, generation: mold.generation, requests: mold.requests_count) }
    mold_check { |mold| record(:mold_check, mold_pid: mold.pid) }
    %i[after_worker_fork after_worker_ready before_worker_exit].each do |name|
      public_send(name) { |server, worker| record(name, mold: worker.mold?, nr: worker.nr, worker_pid: worker.pid, generation: worker.generation, requests: worker.requests_count) }
    end
    after_request_complete { |server, worker, env| record(:after_request_complete, nr: worker.nr, requests: worker.requests_count, path: env["PATH_INFO"]) }
    after_worker_exit do |server, worker, status|
      record(:after_worker_exit, mold: worker.mold?, nr: worker.nr, worker_pid: worker.pid, generation: worker.generation, requests: worker.requests_count,
        status: status.class.name, status_pid: status.pid, exit: status.exitstatus, signal: status.termsig, logger: server.logger.class.name)
    end
  RUBY

  def life(config = "")
    start(app: HOLD, config: "#{RECORD}#{CONFIG}#{config}")
  end

  def test_the_order_of_a_whole_life
    server = life("refork_max_unavailable 1")
    server.wait_for(/server ready/) unless server.log.include?("server ready")
    server.get("/one")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.stop
    start = %w[after_mold_fork mold_check before_fork after_worker_fork after_worker_ready after_monitor_ready after_request_complete]
    refork = %w[before_fork after_mold_fork mold_check before_fork after_worker_fork after_worker_ready]
    stop = %w[before_worker_exit after_worker_exit]
    assert_equal [*start, *refork, *stop, *stop], recorded.map { |line| line[:name] }, "one worker only: its mold is forked"
  end

  def test_in_which_process
    server = life
    server.get("/one")
    worker = server.process("pitchfork worker").pid
    mold = server.process("pitchfork mold").pid
    server.stop
    pids = recorded.to_h { |line| [line[:name].to_sym, line[:pid]] }
    expected = {
      after_mold_fork: mold, mold_check: mold, before_fork: mold, after_worker_fork: worker, after_worker_ready: worker,
      after_monitor_ready: server.pid, after_request_complete: worker, before_worker_exit: worker, after_worker_exit: server.pid
    }
    assert_equal expected, pids
  end

  def test_what_a_worker_tells_of_itself
    server = life("worker_processes 2")
    2.times { server.get }
    server.signal(:KILL, to: server.process("pitchfork worker[1]").pid)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    server.stop
    recorded(:after_worker_fork).each do |line|
      assert_equal [false, line[:pid], 0, 0], line.values_at(:mold, :worker_pid, :generation, :requests)
    end
    assert_equal [0, 1, 1], recorded(:after_worker_fork).map { |line| line[:nr] }.sort
    assert_equal 2, recorded(:before_worker_exit).sum { |line| line[:requests] } + recorded(:after_worker_exit).first[:requests]
  end

  def test_what_a_mold_tells_of_itself
    server = life("worker_processes 2\nrefork_max_unavailable 1")
    3.times { server.get }
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    served_most = recorded(:after_request_complete).group_by { |line| line[:pid] }.max_by { |_, lines| lines.size }
    boot, promoted = recorded(:after_mold_fork)
    assert_equal [true, nil, boot[:pid], 0, 0], boot.values_at(:mold, :nr, :mold_pid, :generation, :requests)
    assert_equal [true, nil, promoted[:pid], 1, served_most.last.size], promoted.values_at(:mold, :nr, :mold_pid, :generation, :requests)
    assert_equal served_most.first, promoted[:pid]
    assert_empty recorded(:after_worker_exit).select { |line| line[:worker_pid] == promoted[:pid] }, "it has not ended"
    assert_equal [1, 1], recorded(:after_worker_fork).map { |line| line[:generation] }.last(2)
  end

  def test_the_status_of_a_worker_that_has_ended
    server = life("worker_processes 3\nafter_worker_ready { |_, worker| exit(6) if worker.nr == 2 && File.mkfifo('third') rescue nil }")
    killed = server.process("pitchfork worker[1]").pid
    server.signal(:KILL, to: killed)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    server.stop
    by_pid = recorded(:after_worker_exit).to_h { |line| [line[:worker_pid], line] }
    assert_equal ["Process::Status", killed, nil, 9], by_pid[killed].values_at(:status, :status_pid, :exit, :signal)
    assert_includes by_pid.values.map { |line| [line[:nr], line[:exit]] }, [2, 6]
    assert_equal 3, (by_pid.values.count { |line| line[:exit] == 0 && line[:signal].nil? })
    assert(by_pid.values.all? { |line| line[:pid] == server.pid && line[:logger] == "Logger" })
  end

  def test_after_request_complete_comes_after_the_response_and_its_callbacks
    app = <<~'RUBY'
      run ->(env) do
        env["rack.response_finished"] << ->(*) { record(:finished) }
        body = Enumerator.new { |y| record(:each); y << "x" }
        recorder = self
        body.define_singleton_method(:close) { recorder.record(:close) }
        [200, {}, body]
      end
    RUBY
    config = "#{RECORD}after_request_complete { |_, worker, env| record(:complete, path: env['PATH_INFO']) }"
    server = start(app: RECORD + app, config: config)
    server.get("/some/where")
    server.stop
    assert_equal(%w[each close finished complete], recorded.map { |line| line[:name] })
    assert_equal "/some/where", recorded.last[:path]
  end

  def test_after_request_complete_runs_for_a_failed_request
    server = start(app: "run ->(env) { raise 'oops' }", config: "#{RECORD}after_request_complete { |*| record(:complete) }")
    assert_equal "500", server.get.code
    server.stop
    assert_equal 1, recorded(:complete).size
  end

  def test_after_monitor_ready_comes_once
    server = life("worker_processes 2")
    server.signal(:TTIN)
    server.wait_for(/worker=2 gen=0 pid=\d+ ready/)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.stop
    assert_equal([{ pid: server.pid, workers: 2 }], recorded(:after_monitor_ready).map { |line| line.slice(:pid, :workers) })
  end

  def test_no_callback_of_a_worker_runs_in_a_process_in_the_middle
    config = "#{RECORD}after_worker_fork { record(:fork, ppid: Process.ppid) }\nworker_processes 2"
    server = start(app: "#{RECORD}at_exit { record(:at_exit) }\n#{HOLD}", config: config)
    children = watch(server)
    server.stop
    assert_equal([server.pid] * 2, recorded(:fork).map { |line| line[:ppid] })
    assert_equal children.sort, recorded(:at_exit).map { |line| line[:pid] }.sort, "at_exit runs once in the mold and in each worker"
  end

  def test_the_masters_callbacks_can_count
    config = <<~RUBY
      worker_processes 2
      after_worker_exit { |server, worker, status| record(:exit, counters: server.counters) unless server.counters.empty? }
      before_worker_exit { |server, worker| record(:leaves, counters: server.counters) }
    RUBY
    server = start(app: HOLD, config: RECORD + config)
    server.signal(:KILL, to: server.process("pitchfork worker[1]").pid)
    server.wait_for(/worker=1 gen=0 .*ready/)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.stop
    last = recorded(:exit).last[:counters]
    assert_equal({ rollouts: 1, lost_workers: 1, failed_reforks: 0 }, last.slice(:rollouts, :lost_workers, :failed_reforks))
    assert_equal [{}], recorded(:leaves).map { |line| line[:counters] }.uniq
  end
end

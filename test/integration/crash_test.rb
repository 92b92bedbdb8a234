# frozen_string_literal: true

require "support/life"

# Workers that end when nobody has asked them to.
class CrashTest < LifeTest
  def test_a_killed_worker_is_replaced_from_the_mold
    server = start(app: HOLD, config: "worker_processes 2")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    mold = server.process("pitchfork mold (gen:1)")
    killed = server.process("pitchfork worker[1]")
    server.signal(:KILL, to: killed.pid)
    server.wait_for(/worker=1 gen=1 pid=#{killed.pid} died of SIGKILL after \d+ requests/)
    fresh = Integer(server.wait_for(/worker=1 gen=1 pid=(\d+) ready/)[1])
    assert_equal ["pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"], server.titles.drop(1)
    assert_equal mold, server.process("pitchfork mold")
    assert_equal fresh, server.process("pitchfork worker[1]").pid
    assert_equal server.pid, server.process("pitchfork worker[1]").ppid
    assert_clean_stop server
  end

  def test_a_worker_killed_in_a_request
    server = start(app: HOLD, config: "worker_processes 2")
    response = hold(server)
    assert_equal "200", server.get.code, "the other one serves"
    server.signal(:KILL, to: held_by)
    assert_nil response.value
    number = server.wait_for(/worker=(\d) gen=0 pid=#{held_by} died of SIGKILL after 0 requests/)[1]
    server.wait_for(/worker=#{number} gen=0 pid=\d+ ready/)
    assert_clean_stop server
  end

  def test_all_workers_killed_at_once
    server = start(app: HOLD, config: "worker_processes 3")
    server.tree.select { |node| node.title.include?("worker") }.each { |node| server.signal(:KILL, to: node.pid) }
    3.times { server.wait_for(/worker=\d gen=0 pid=\d+ ready/) }
    assert_equal "200", server.get.code
    assert_equal 3, server.titles.grep(/worker\[[012]\] \(gen:0\)/).size
    assert_clean_stop server
  end

  def test_a_segmentation_fault
    server = start(app: HOLD)
    worker = server.process("pitchfork worker").pid
    server.signal(:SEGV, to: worker)
    server.wait_for(/worker=0 gen=0 pid=#{worker} died of SIG(SEGV|ABRT)/) # Ruby's own handler ends with abort(3)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal "200", server.get.code
  end

  def test_a_worker_that_can_not_start_is_tried_again_and_again_but_not_for_ever
    config = <<~RUBY
      max_consecutive_spawn_errors 4
      after_worker_fork { |_, worker| exit(3) if worker.nr == 1 }
      worker_processes 2
    RUBY
    server = server(app: HOLD, config: config).spawn
    times = 4.times.map do
      server.wait_for(/worker=1 gen=0 (pid=\d+ )?did not become ready: it exited with status 3/)
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
    assert_operator times[3] - times[1], :>=, 0.25, "the third and the fourth try came 0.1 s and 0.2 s later"
    server.wait_for(/4 spawns failed in a row \(max_consecutive_spawn_errors 4\): giving up/)
    children = watch(server)
    assert_equal 1, server.wait.exitstatus
    server.wait_gone(children)
    assert_match(/stopped\n\z/, server.log)
  end

  def test_one_that_succeeds_ends_the_row
    write("broken", "")
    config = <<~RUBY
      max_consecutive_spawn_errors 3
      after_worker_fork { |_, worker| exit(3) if worker.nr == 1 && File.exist?('broken') }
    RUBY
    server = start(app: HOLD, config: config)
    2.times do
      write("broken", "")
      server.signal(:TTIN)
      2.times { server.wait_for(/worker=1 gen=0 pid=\d+ did not become ready/) }
      File.unlink(path("broken"))
      server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
      server.signal(:TTOU)
      server.wait_for(/worker=1 gen=0 pid=\d+ retired/)
    end
    assert_clean_stop server
  end

  def test_a_worker_that_never_becomes_ready_is_killed
    config = "spawn_timeout 0.5\nafter_worker_fork { |_, worker| sleep if worker.nr == 1 && !File.exist?('well') }"
    server = start(app: HOLD, config: config)
    server.signal(:TTIN)
    server.wait_for(/worker=1 gen=0 pid=\d+ was not ready in time: killed/)
    server.wait_for(/worker=1 gen=0 pid=\d+ did not become ready: it died of SIGKILL/)
    assert_equal "200", server.get.code
    write("well", "")
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    assert_clean_stop server
  end

  def test_a_stopped_worker_is_killed_when_it_has_to_go
    server = start(app: HOLD, config: "timeout 0.3, cleanup: 0.2\nworker_processes 2")
    stopped = server.process("pitchfork worker[1]").pid
    server.signal(:STOP, to: stopped)
    children = watch(server)
    assert_equal 0, server.stop.exitstatus
    server.wait_gone(children)
    assert_match(/worker=1 gen=0 pid=#{stopped} did not retire in time: killed/, server.log)
  end
end

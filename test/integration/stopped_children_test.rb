# frozen_string_literal: true

require "support/life"

# Children that a signal has stopped: alive, and good for nothing.
class StoppedChildrenTest < LifeTest
  def test_a_mold_is_killed_and_another_takes_its_place
    server = start(app: WHO, config: "worker_processes 2")
    mold = server.process("pitchfork mold").pid
    server.signal(:STOP, to: mold)
    server.wait_for(/mold gen=0 pid=#{mold} was stopped by a signal: killed/)
    server.wait_for(/mold gen=1 .*ready/)
    assert_clean_stop(server)
  end

  def test_a_worker_is_replaced_and_goes_when_it_can
    server = start(app: WHO, config: "worker_processes 2")
    worker = server.process("pitchfork worker[1]").pid
    server.signal(:STOP, to: worker)
    server.wait_for(/worker=1 gen=0 pid=#{worker} was stopped by a signal: replacing it/)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    server.signal(:CONT, to: worker)
    server.wait_for(/worker=1 gen=0 pid=#{worker} retired/)
    assert_clean_stop(server)
  end

  def test_a_worker_that_stays_stopped_is_killed_when_its_time_to_retire_is_over
    server = start(app: WHO, config: "worker_processes 2\ntimeout 0.5, cleanup: 0.2")
    worker = server.process("pitchfork worker[0]").pid
    server.signal(:STOP, to: worker)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    server.wait_for(/worker=0 gen=0 pid=#{worker} did not retire in time: killed/)
    assert_clean_stop(server)
  end

  # Job control and debuggers stop processes for a moment.
  def test_who_goes_on_at_once_is_left_alone
    server = start(app: WHO, config: "worker_processes 1")
    mold, worker = %w[mold worker].map { |role| server.process("pitchfork #{role}").pid }
    [mold, worker].each { |pid| server.signal(:STOP, to: pid) }
    [mold, worker].each { |pid| server.signal(:CONT, to: pid) }
    server.signal(:TTIN) # needs the mold
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    assert_empty [mold, worker] - server.tree.map(&:pid)
    assert_clean_stop(server)
    refute_match(/was stopped/, server.log)
  end

  # It was asked to fork a mold, and a hook does not let it.
  def test_a_worker_that_hangs_in_before_fork_is_replaced
    config = <<~RUBY
      worker_processes 1
      spawn_timeout 2
      timeout 1, cleanup: 0.5
      before_fork { File.exist?("hang") && $served && wait_here }
    RUBY
    server = start(app: "#{WAIT}\nrun ->(env) { $served = true; [200, {}, [Process.pid.to_s]] }", config: config)
    worker = server.get.body.to_i
    write("hang", "")
    server.signal(:USR2)
    assert_equal worker, File.read(path("held")).to_i
    server.wait_for(/worker=0 gen=0 pid=#{worker} is at no request and did not answer in 2\.000s: replacing it/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    refute_equal worker, server.get.body.to_i
    server.wait_for(/worker=0 gen=0 pid=#{worker} did not retire in time: killed/)
    File.unlink(path("hang"))
    assert_clean_stop(server)
  end
end

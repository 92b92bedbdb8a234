# frozen_string_literal: true

require "support/life"

# Signals to the master and to a worker.
class SignalsTest < LifeTest
  %i[TERM QUIT].each do |signal|
    define_method("test_#{signal.downcase}_finishes_a_running_request") do
      socket = path("server.sock")
      server = start(app: HOLD, config: "worker_processes 2\nlisten '127.0.0.1:0'\nlisten '#{socket}'")
      children = watch(server)
      response = hold(server)
      server.signal(signal)
      server.wait_for(/stopping on SIG#{signal}/)
      server.wait_for(/mold gen=0 pid=\d+ retired/)
      assert server.alive?(held_by), "the busy worker was not waited for"
      release
      assert_equal held_by.to_s, response.value.body.split.first
      assert_equal 0, server.wait.exitstatus
      server.wait_gone(children)
      refute_path_exists socket
      assert_match(/worker=\d gen=0 pid=#{held_by} retired after 1 requests/, server.log)
      assert_match(/stopped\n\z/, server.log)
    end
  end

  def test_int_ends_all_at_once
    socket = path("server.sock")
    server = start(app: HOLD, config: "worker_processes 2\nlisten '127.0.0.1:0'\nlisten '#{socket}'")
    children = watch(server)
    response = hold(server)
    assert_equal 0, server.stop(:INT).exitstatus
    server.wait_gone(children)
    assert_nil response.value, "the request was not cut off"
    refute_path_exists socket
    assert_match(/stopping on SIGINT/, server.log)
  end

  def test_int_after_term_does_not_wait_any_longer
    server = start(app: HOLD)
    children = watch(server)
    response = hold(server)
    server.signal(:TERM)
    server.wait_for(/stopping on SIGTERM/)
    assert_equal 0, server.stop(:INT).exitstatus
    server.wait_gone(children)
    assert_nil response.value
  end

  def test_a_request_that_outlasts_the_timeout_is_not_waited_for
    server = start(app: HOLD, config: "timeout 0.2, cleanup: 0.2")
    children = watch(server)
    response = hold(server)
    assert_equal 0, server.stop.exitstatus
    server.wait_gone(children)
    assert_nil response.value
    assert_match(/worker=0 gen=0 pid=#{held_by} has been at a request for \d\.\d+s: told to give up/, server.log)
    assert_match(/worker=0 gen=0 pid=#{held_by} exited with status 1 after 0 requests/, server.log)
  end

  def test_ttin_and_ttou
    server = start(app: HOLD)
    server.signal(:TTIN)
    server.wait_for(/worker_processes is now 2/)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    assert_equal ["pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles.grep(/worker/)

    gone = server.process("pitchfork worker[1]").pid
    server.signal(:TTOU)
    server.wait_for(/worker=1 gen=0 pid=#{gone} retired after 0 requests/)
    assert_equal ["pitchfork worker[0] (gen:0)"], server.titles.grep(/worker/)

    server.signal(:TTOU)
    server.wait_for(/the last worker stays/)
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  def test_ttin_lasts_over_a_refork
    server = start(app: HOLD)
    server.signal(:TTIN)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done in \d+\.\d{3}s: 2 workers/)
    assert_equal ["pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"], server.titles.grep(/worker/)
  end

  def test_ttou_while_the_worker_is_busy
    server = start(app: HOLD, config: "worker_processes 2")
    busy = hold(server)
    server.signal(:TTOU)
    server.wait_for(/worker_processes is now 1/)
    release
    assert_equal "200", busy.value.code
    server.wait_for(/worker=1 gen=0 pid=\d+ retired/)
  end

  def test_usr2_reforks
    server = start(app: HOLD)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
    assert_clean_stop server
  end

  def test_usr2_twice_is_one_refork
    server = start(app: HOLD, config: "worker_processes 2\nafter_mold_fork { |_, mold| wait_here if mold.generation == 1 }")
    server.signal(:USR2)
    File.read(path("held"))
    server.signal(:USR2)
    server.wait_for(/refork requested, but one is under way already/)
    release
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop server
    refute_match(/gen=2/, server.log)
  end

  %i[QUIT TERM].each do |signal|
    define_method("test_#{signal.downcase}_to_a_worker") do
      server = start(app: HOLD, config: "worker_processes 2")
      response = hold(server)
      server.signal(signal, to: held_by)
      assert server.alive?(held_by)
      release
      assert_equal "200", response.value.code
      number = server.wait_for(/worker=(\d) gen=0 pid=#{held_by} left after 1 requests/)[1]
      server.wait_for(/worker=#{number} gen=0 pid=\d+ ready/)
      assert_equal 2, server.titles.grep(/worker/).size
      assert_clean_stop server
    end
  end

  %i[INT HUP].each do |signal|
    define_method("test_#{signal.downcase}_to_a_worker") do
      server = start(app: HOLD, config: "worker_processes 2")
      response = hold(server)
      server.signal(signal, to: held_by)
      assert_nil response.value
      number = server.wait_for(/worker=(\d) gen=0 pid=#{held_by} died of SIG#{signal} after 0 requests/)[1]
      server.wait_for(/worker=#{number} gen=0 pid=\d+ ready/)
    end
  end

  # They wait until there is a worker again.
  def test_winch_keeps_connections
    server = start(app: HOLD, config: "worker_processes 2")
    server.signal(:WINCH)
    2.times { server.wait_for(/worker=\d gen=0 pid=\d+ retired/) }
    assert_equal ["pitchfork master", "pitchfork mold (gen:0)"], server.titles
    waiting = Thread.new { server.get.code }
    server.signal(:TTOU)
    server.wait_for(/there is no worker to remove/)
    server.signal(:TTIN)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal "200", waiting.value
    assert_clean_stop server
  end

  def test_a_workers_end_of_life_signals_to_a_mold
    server = start(app: HOLD)
    mold = server.process("pitchfork mold").pid
    server.signal(:QUIT, to: mold)
    server.wait_for(/mold gen=1 pid=\d+ ready/)
    assert_equal "200", server.get.code
    server.wait_gone(mold)
    assert_clean_stop server
  end

  def test_the_masters_signals_mean_nothing_to_its_children
    server = start(app: HOLD)
    children = server.tree.drop(1)
    %i[USR1 USR2 TTIN TTOU WINCH].each { |signal| children.each { |child| server.signal(signal, to: child.pid) } }
    assert_equal "200", server.get.code
    assert_equal children, server.tree.drop(1)
  end

  def test_a_signal_to_the_masters_process_group_reaches_the_master_only
    server = start(app: HOLD)
    children = watch(server)
    response = hold(server)
    Process.kill(:TERM, -Process.getpgid(server.pid))
    server.wait_for(/stopping on SIGTERM/)
    release
    assert_equal "200", response.value.code
    assert_equal 0, server.wait.exitstatus
    server.wait_gone(children)
  end
end

# frozen_string_literal: true

require "support/life"

# The server never stops because a mold died.
class MoldLossTest < LifeTest
  HELD_MOLD = "after_mold_fork { |_, mold| wait_here if mold.generation == 1 }"

  def kill_mold(server, title = "pitchfork mold")
    server.process(title).pid.tap { |pid| server.signal(:KILL, to: pid) }
  end

  def test_a_worker_is_promoted_in_its_place
    server = start(app: HOLD, config: "worker_processes 2\n#{HELD_MOLD}")
    pid = kill_mold(server)
    server.wait_for(/mold gen=0 pid=#{pid} died of SIGKILL/)
    server.wait_for(/worker=\d gen=0 pid=\d+ promoted: mold gen=1 pid=\d+ in place/)
    File.read(path("held"))
    3.times { assert_equal "0", server.get.body.split.last, "the other worker serves meanwhile" }
    release
    server.wait_for(/rollout gen=1 done/)
    assert_equal ["pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"], server.titles.drop(1)
    assert_clean_stop server
  end

  def test_the_only_worker_forks_a_mold
    server = start(app: HOLD)
    kill_mold(server)
    server.wait_for(/worker=0 gen=0 pid=\d+ promoted: mold gen=1 pid=\d+ by fork/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
    assert_clean_stop server
  end

  def test_when_no_worker_can_be_promoted_the_app_is_booted_again
    app = "run ->(env) { Pitchfork::Info.no_longer_fork_safe!; [200, {}, [\"\#{Process.pid} \#{env['pitchfork.worker'].generation}\"]] }"
    server = start(app: app)
    pid = server.get.body.split.first
    kill_mold(server)
    server.wait_for(/can't be promoted: it is no longer fork safe/)
    server.wait_for(/mold gen=\d pid=\d+ booting/)
    server.wait_for(/mold gen=\d pid=\d+ ready/)
    assert_equal pid, server.get.body.split.first, "the worker was left in peace"
    server.signal(:KILL, to: pid.to_i)
    server.wait_for(/worker=0 gen=[12] pid=\d+ ready/)
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  def test_mold_and_all_workers_at_once
    server = start(app: HOLD, config: "worker_processes 2")
    server.tree.drop(1).each { |node| server.signal(:KILL, to: node.pid) }
    server.wait_for(/mold gen=\d pid=\d+ booting/)
    2.times { server.wait_for(/worker=\d gen=\d pid=\d+ ready/) }
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  def test_a_new_mold_that_is_killed_in_a_rollout
    config = "worker_processes 3\nafter_worker_fork { |_, worker| wait_here if worker.generation == 1 && worker.nr == 1 }"
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    File.read(path("held"))
    pid = kill_mold(server, "pitchfork mold (gen:1)")
    server.wait_for(/mold gen=1 pid=#{pid} died of SIGKILL/)
    server.wait_for(/refork to gen=1 failed: its mold died of SIGKILL; next attempt in 5\.0s/)
    assert_equal "200", server.get.code
    assert server.process("pitchfork mold (gen:0)"), "the old mold stays"
    release
    server.signal(:USR2)
    server.wait_for(/rollout gen=2 done/)
    assert_equal 3, server.titles.grep(/worker\[\d\] \(gen:2\)/).size
    assert_clean_stop server
  end

  def test_an_old_mold_that_is_killed_in_a_rollout
    config = "worker_processes 3\nafter_worker_fork { |_, worker| wait_here if worker.generation == 1 && worker.nr == 1 }"
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    File.read(path("held"))
    kill_mold(server, "pitchfork mold (gen:0)")
    server.wait_for(/mold gen=0 pid=\d+ died of SIGKILL/)
    release
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop server
  end

  def test_a_mold_that_is_killed_while_it_prepares_itself
    server = start(app: HOLD, config: "worker_processes 2\n#{HELD_MOLD}")
    server.signal(:USR2)
    File.read(path("held"))
    kill_mold(server, "pitchfork mold (gen:1)")
    server.wait_for(/refork to gen=1 failed: .*it died of SIGKILL; next attempt/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal ["pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles.drop(1)
    assert_clean_stop server
  end

  def test_a_mold_that_hangs_while_it_prepares_itself
    server = start(app: HOLD, config: "worker_processes 2\nspawn_timeout 2\n#{HELD_MOLD}")
    server.signal(:USR2)
    File.read(path("held"))
    server.wait_for(/mold gen=1 pid=\d+ was not ready in time: killed/)
    server.wait_for(/refork to gen=1 failed/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  # Neither the promoted nor the booted mold comes to an end with its hook. The first is given `spawn_timeout`, the second what a
  # boot takes besides.
  def test_a_mold_that_hangs_while_it_is_booted_again
    hangs = "after_mold_fork { sleep if File.exist?('hang') }"
    server = start(app: HOLD, config: "worker_processes 2\nspawn_timeout 1\n#{hangs}")
    write("hang", "")
    kill_mold(server)
    booting = server.wait_for(/mold gen=\d+ pid=(\d+) booting/)[1]
    server.wait_for(/mold gen=\d+ pid=#{booting} was not ready in time: killed/)
    File.delete(path("hang"))
    server.wait_for(/worker=0 gen=\d+ pid=\d+ ready/) # which was promoted, and is gone since
    server.wait_for(/rollout gen=\d+ done/)
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  def test_a_stopped_mold_is_replaced_when_a_worker_is_needed
    server = start(app: HOLD, config: "worker_processes 2")
    stopped = server.process("pitchfork mold").pid
    server.signal(:STOP, to: stopped)
    server.signal(:KILL, to: server.process("pitchfork worker[1]").pid)
    server.wait_for(/mold gen=0 pid=#{stopped} was stopped by a signal: killed/)
    server.wait_for(/mold gen=0 pid=#{stopped} died of SIGKILL/)
    server.wait_for(/worker=1 gen=1 pid=\d+ ready/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal 2, server.titles.grep(/worker/).size
    assert_equal "200", server.get.code
    server.wait_gone(stopped)
    assert_clean_stop server
  end

  def test_again_and_again
    server = start(app: HOLD, config: "worker_processes 2")
    3.times do |index|
      kill_mold(server)
      server.wait_for(/rollout gen=#{index + 1} done/)
      assert_equal (index + 1).to_s, server.get.body.split.last
    end
    assert_clean_stop server
  end

  def test_a_mold_whose_workers_die_at_once_is_booted_again
    config = "worker_processes 2\nafter_worker_fork { |_, worker| exit!(3) if worker.generation.zero? && File.exist?('barren') }"
    server = start(app: HOLD, config: config)
    mold = server.process("pitchfork mold").pid
    write("barren", "")
    server.signal(:KILL, to: server.process("pitchfork worker[1]").pid)
    server.wait_for(/mold gen=0 pid=#{mold} has forked 5 workers in a row that did not live: booting another/)
    server.wait_for(/worker=1 gen=1 pid=\d+ ready/)
    assert_equal "200", server.get.code
    server.wait_gone(mold)
    assert_clean_stop server
  end
end

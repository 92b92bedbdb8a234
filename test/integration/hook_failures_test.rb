# frozen_string_literal: true

require "support/life"
require "pitchfork/configuration"

# What happens when a callback raises.
class HookFailuresTest < LifeTest
  DOCUMENT = File.read("#{ServerProcess::ROOT}/docs/callbacks.md", encoding: "UTF-8")

  # Those of deadlines, service workers and the check of a mold are in the tests of these.
  def test_every_callback_has_its_rows
    expected = Pitchfork::Setting.callbacks.map { |setting| [setting.name.to_s, setting.arguments.join(" ")] }
    rows = DOCUMENT.scan(/^\| `(\w+)`(?:, also `\w+`)? \| (`[^|]+) \|/)
    assert_equal(expected, rows.map { |name, arguments| [name, arguments.scan(/\w+/).join(" ")] })
  end

  def test_after_monitor_ready
    server = server(app: HOLD, config: "after_monitor_ready { raise 'oops' }").spawn
    server.wait_for(/after_monitor_ready raised: oops \(RuntimeError\)/)
    server.wait_for(/server ready/)
    assert_equal "200", server.get.code
    assert_equal 0, server.stop.exitstatus
  end

  def test_after_worker_exit
    server = start(app: HOLD, config: "after_worker_exit { raise 'oops' }")
    server.signal(:KILL, to: server.process("pitchfork worker").pid)
    server.wait_for(/after_worker_exit raised: oops/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal 0, server.stop.exitstatus
  end

  def test_exit_in_the_master_is_no_failure
    server = start(app: HOLD, config: "after_worker_exit { exit 3 }")
    children = watch(server)
    server.signal(:KILL, to: server.process("pitchfork worker").pid)
    assert_equal 3, server.wait.exitstatus
    server.wait_gone(children)
  end

  def test_after_request_complete
    server = start(app: HOLD, config: "after_request_complete { raise 'oops' }")
    pids = Array.new(2) { server.get.body.split.first }
    server.wait_for(/after_request_complete raised: oops/)
    assert_equal 1, pids.uniq.size
  end

  def test_before_worker_exit
    server = start(app: HOLD, config: "before_worker_exit { raise 'oops' }")
    assert_equal 0, server.stop.exitstatus
    assert_match(/before_worker_exit raised: oops/, server.log)
    assert_match(/worker=0 gen=0 pid=\d+ retired/, server.log)
  end

  %i[after_worker_fork after_worker_ready].each do |name|
    define_method("test_#{name}") do
      server = start(app: HOLD, config: "#{name} { |_, worker| raise 'oops' if worker.nr == 1 && !File.exist?('well') }")
      server.signal(:TTIN)
      server.wait_for(/oops \(RuntimeError\)/)
      server.wait_for(/worker=1 gen=0 pid=\d+ did not become ready: it exited with status 1/)
      assert_equal "200", server.get.code
      write("well", "")
      server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    end
  end

  def test_before_fork_in_the_mold
    server = start(app: HOLD, config: "before_fork { raise 'oops' if File.exist?('ill') }")
    mold = server.process("pitchfork mold")
    write("ill", "")
    server.signal(:TTIN)
    server.wait_for(/before_fork raised: oops/)
    server.wait_for(/worker=1 gen=0 did not become ready: the fork failed, see above/)
    File.unlink(path("ill"))
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    assert_equal mold, server.process("pitchfork mold")
    assert_clean_stop_after_report server
  end

  def test_before_fork_in_a_worker
    server = start(app: HOLD, config: "promotion :fork\nworker_processes 2\nbefore_fork { raise 'oops' if File.exist?('ill') }")
    write("ill", "")
    server.signal(:USR2)
    2.times { server.wait_for(/worker=\d gen=0 pid=\d+ can't be promoted: a hook or the fork failed/) }
    assert_equal "200", server.get.code
    assert_equal ["pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles.grep(/worker/)
  end

  def test_after_mold_fork_in_the_boot_mold
    server = server(app: HOLD, config: "after_mold_fork { raise 'oops' }").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/oops \(RuntimeError\)/, server.log)
    assert_match(/the app did not boot/, server.log)
  end

  def test_after_mold_fork_in_a_promoted_worker
    config = "worker_processes 2\nrefork_max_unavailable 1\nafter_mold_fork { raise 'oops' if File.exist?('ill') }"
    server = start(app: HOLD, config: config)
    mold = server.process("pitchfork mold (gen:0)")
    write("ill", "")
    server.signal(:USR2)
    server.wait_for(/oops \(RuntimeError\)/)
    server.wait_for(/refork to gen=1 failed: .*it exited with status 1; next attempt in 5\.0s/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal ["pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles.drop(1)
    assert_equal mold, server.process("pitchfork mold")
    assert_equal "0", server.get.body.split.last
    File.unlink(path("ill"))
    server.signal(:USR2) # the operator does not wait
    server.wait_for(/rollout gen=1 done/)
    assert_equal 0, server.stop.exitstatus
  end

  def test_a_generation_whose_workers_do_not_start
    config = "worker_processes 2\nafter_worker_fork { |_, worker| raise 'oops' if worker.generation == 1 }"
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    server.wait_for(/refork to gen=1 failed: worker=\d gen=1 pid=\d+ did not become ready: it exited with status 1; next attempt in 5\.0s/)
    server.wait_for(/mold gen=1 pid=\d+ retired/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/) unless server.titles.grep(/worker/).size == 2
    assert_equal ["pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles.drop(1)
    assert_equal "0", server.get.body.split.last
    assert_equal 0, server.stop.exitstatus
  end

  def assert_clean_stop_after_report(server)
    children = watch(server)
    assert_equal 0, server.stop.exitstatus
    server.wait_gone(children)
  end
end

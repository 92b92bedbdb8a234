# frozen_string_literal: true

require "support/life"

# As pid 1 of a container, without an init of its own.
class ProcessOneTest < LifeTest
  UNSHARE = %w[unshare --pid --mount-proc --fork --kill-child].freeze

  def before_setup
    super
    skip "this kernel does not let us unshare a pid namespace" unless system(*UNSHARE, "true", err: File::NULL)
  end

  # Pids in the log are those of the namespace; the tree shows those outside.
  def init(config = "worker_processes 2", app: APP)
    root = ServerProcess::ROOT
    command = [RbConfig.ruby, "-w", "-I#{root}/lib", "#{root}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    server(app: app, config: config, command: UNSHARE + command)
  end

  def start_as_init(...)
    init(...).start
  end

  # A request for /stranger leaves an orphan that ends when it is released; one for /signal/TERM sends that to process 1.
  APP = <<~'RUBY'
    run ->(env) do
      system("(read line < gate) > /dev/null 2>&1 &") if env["PATH_INFO"] == "/stranger"
      Process.kill(env["PATH_INFO"][%r{/signal/(\w+)}, 1], 1) if env["PATH_INFO"].start_with?("/signal")
      [200, {}, ["#{Process.pid} #{env["pitchfork.worker"].generation}"]]
    end
  RUBY

  def master(server)
    server.descendants.find { |node| node.title == "pitchfork master" }.pid
  end

  def stop(server)
    Process.kill(:TERM, master(server))
    assert_equal 0, server.wait.exitstatus
  end

  def test_it_serves_and_reforks
    server = start_as_init
    assert_match(/#1\]/, server.log, "it is process 1")
    Process.kill(:USR2, master(server))
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
    stop server
  end

  def test_strangers_are_reaped
    server = start_as_init
    known = server.descendants
    server.get("/stranger")
    stranger, = server.descendants - known
    assert_equal master(server), stranger.ppid, "an orphan is the master's child"
    release
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ServerProcess::PATIENCE
    while File.exist?("/proc/#{stranger.pid}") # a zombie, too, is there
      flunk "the stranger was not reaped" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep(0.005)
    end
    assert_equal "200", server.get.code
    stop server
  end

  # The kernel keeps from process 1 what is sent within its namespace and has no handler there.
  def test_signals_from_within
    server = start_as_init
    server.get("/signal/TTIN")
    server.wait_for(/worker=2 gen=0 pid=\d+ ready/)
    server.get("/signal/USR2")
    server.wait_for(/rollout gen=1 done/)
    server.get("/signal/HUP")
    server.wait_for(/rollout gen=2 done/)
    server.get("/signal/TERM")
    assert_equal 0, server.wait.exitstatus
    assert_match(/stopping on SIGTERM/, server.log)
  end

  def test_an_immediate_stop
    server = start_as_init
    Process.kill(:INT, master(server))
    assert_equal 0, server.wait.exitstatus
    assert_match(/stopping on SIGINT/, server.log)
  end

  def test_a_stop_while_the_app_boots
    server = init(app: "wait_here\n#{APP}").spawn
    File.read(path("held"))
    stop server
  end

  def test_the_status_says_that_the_app_did_not_boot
    server = init(app: "raise 'no'").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/the app did not boot/, server.log)
  end

  # A container that was killed leaves a pid file, and it says 1, which is the next one's pid, too.
  def test_a_pid_file_that_is_left_over
    write("server.pid", "1\n")
    server = start_as_init("pid 'server.pid'")
    stop server
    refute_path_exists path("server.pid")
  end

  def test_a_killed_worker_is_replaced
    server = start_as_init
    worker = server.descendants.find { |node| node.title.start_with?("pitchfork worker[1]") }.pid
    Process.kill(:KILL, worker)
    server.wait_for(/worker=1 gen=0 pid=\d+ died of SIGKILL/)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    stop server
  end
end

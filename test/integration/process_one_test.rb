# frozen_string_literal: true

require "support/life"

# As pid 1 of a container, without an init of its own.
class ProcessOneTest < LifeTest
  UNSHARE = %w[unshare --pid --fork --kill-child].freeze

  def before_setup
    super
    skip "this kernel does not let us unshare a pid namespace" unless system(*UNSHARE, "true", err: File::NULL)
  end

  # Pids in the log are those of the namespace; the tree shows those outside.
  def start_as_init(config = "worker_processes 2")
    root = ServerProcess::ROOT
    command = [RbConfig.ruby, "-w", "-I#{root}/lib", "#{root}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    start(app: APP, config: config, command: UNSHARE + command)
  end

  # A request for /stranger leaves an orphan that ends when it is released.
  APP = <<~'RUBY'
    run ->(env) do
      system("(read line < gate) > /dev/null 2>&1 &") if env["PATH_INFO"] == "/stranger"
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

  def test_a_killed_worker_is_replaced
    server = start_as_init
    worker = server.descendants.find { |node| node.title.start_with?("pitchfork worker[1]") }.pid
    Process.kill(:KILL, worker)
    server.wait_for(/worker=1 gen=0 pid=\d+ died of SIGKILL/)
    server.wait_for(/worker=1 gen=0 pid=\d+ ready/)
    stop server
  end
end

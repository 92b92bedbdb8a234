# frozen_string_literal: true

require "support/life"

# As pid 1 of a container, without an init of its own.
class ProcessOneTest < LifeTest
  UNSHARE = %w[unshare --pid --fork --mount-proc --kill-child].freeze

  def before_setup
    super
    skip "this kernel does not let us unshare a pid namespace" unless system(*UNSHARE, "true", err: File::NULL)
  end

  # Pids in the log are those of the namespace; the process that we have started is outside.
  def start_as_init(config = "worker_processes 2")
    command = [*UNSHARE, RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    start(app: APP, config: config, command: command)
  end

  # /stranger leaves an orphan that ends after the request; /processes shows who is there.
  APP = <<~'RUBY'
    run ->(env) do
      body =
        case env["PATH_INFO"]
        when "/stranger" then `sh -c '(read line < gate) > /dev/null 2>&1 & echo $!'`
        when "/processes" then Dir.children("/proc").grep(/\A\d+\z/).filter_map { |pid| File.read("/proc/#{pid}/stat") rescue nil }.join
        else "#{Process.pid} #{env["pitchfork.worker"].generation}"
        end
      [200, {}, [body]]
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
    stranger = server.get("/stranger").body.to_i
    assert_match(/^#{stranger} \(sh\) S 1 /, server.get("/processes").body, "it is the master's child now")
    release
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ServerProcess::PATIENCE
    while server.get("/processes").body.match?(/^#{stranger} /)
      flunk "the stranger was not reaped" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    end
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

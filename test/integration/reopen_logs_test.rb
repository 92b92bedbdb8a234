# frozen_string_literal: true

require "support/life"

# USR1: all processes open their log files again, as logrotate wants it.
class ReopenLogsTest < LifeTest
  # The configuration file is evaluated by the master and by the boot mold, and everybody else inherits it.
  CONFIG = <<~'RUBY'
    $audit = File.open("audit.log", "a")
    $audit.sync = true
    worker_processes 2
  RUBY

  APP = <<~'RUBY'
    run ->(env) do
      wait_here if env["PATH_INFO"] == "/hold"
      $audit.write("#{Process.pid}\n")
      [200, {}, [Process.pid.to_s]]
    end
  RUBY

  def rotate(server)
    File.rename(path("audit.log"), path("audit.log.1"))
    server.signal(:USR1)
  end

  # @return [Array<Integer>] processes of the server that have the file open
  def holders(server, name)
    server.tree.map(&:pid).select do |pid|
      Dir.glob("/proc/#{pid}/fd/*").any? { |link| File.readlink(link) == path(name) }
    end
  end

  # Waits until the processes say so, in whatever order.
  def assert_reopened(server, pids)
    said = pids.map { Integer(server.wait_for(/#(\d+)\].* log files reopened: 1$/)[1]) }
    assert_equal pids.sort, said.sort
  end

  def test_all_processes
    server = start(app: APP, config: "#{CONFIG}service_workers [:clock]\nbefore_service_worker_ready {}")
    server.wait_for(/service=clock .* ready/) unless server.log.include?("service=clock")
    all = server.tree.map(&:pid)
    assert_equal 5, all.size
    rotate(server)
    assert_reopened server, all
    assert_equal [[], all.sort], [holders(server, "audit.log.1"), holders(server, "audit.log").sort]
    pid = server.get.body
    assert_equal ["#{pid}\n", ""], [File.read(path("audit.log")), File.read(path("audit.log.1"))]
    assert_clean_stop server
  end

  def test_what_is_forked_later
    server = start(app: APP, config: CONFIG)
    rotate(server)
    assert_reopened server, server.tree.map(&:pid)
    server.signal(:TTIN)
    server.wait_for(/worker=2 .* ready/)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_empty holders(server, "audit.log.1")
    FileUtils.mv(path("audit.log.1"), path("audit.log.2"))
    rotate(server)
    assert_reopened server, server.tree.map(&:pid)
    assert_equal server.tree.map(&:pid).sort, holders(server, "audit.log").sort
    assert_clean_stop server
  end

  # The file does not change hands in the middle of a request.
  def test_a_busy_worker
    server = start(app: APP, config: CONFIG)
    response = hold(server)
    rotate(server)
    assert_reopened server, server.tree.map(&:pid) - [held_by]
    assert_equal [held_by], holders(server, "audit.log.1")
    release
    assert_equal held_by.to_s, response.value.body
    assert_reopened server, [held_by]
    assert_equal ["", "#{held_by}\n"], [File.read(path("audit.log")), File.read(path("audit.log.1"))]
    assert_clean_stop server
  end

  # It does not handle signals yet, and must not die of one.
  def test_a_mold_that_boots
    server = server(app: "wait_here\n#{APP}", config: CONFIG).spawn
    File.read(path("held"))
    rotate(server)
    assert_reopened server, [server.pid]
    release
    server.wait_for(/server ready/)
    assert_empty holders(server, "audit.log.1")
    assert_clean_stop server
  end

  def test_a_worker_that_starts
    server = server(app: APP, config: "#{CONFIG}after_worker_fork { |_, worker| wait_here if worker.nr == 1 }").spawn
    starting = Integer(File.read(path("held")))
    rotate(server)
    assert_reopened server, server.tree.map(&:pid) - [starting]
    release
    assert_reopened server, [starting]
    assert_empty holders(server, "audit.log.1")
    assert_clean_stop server
  end

  def test_one_worker_alone
    server = start(app: APP, config: CONFIG)
    File.rename(path("audit.log"), path("audit.log.1"))
    worker = server.process("pitchfork worker[1]").pid
    server.signal(:USR1, to: worker)
    assert_reopened server, [worker]
    assert_equal [worker], holders(server, "audit.log")
  end

  def test_a_file_that_can_not_be_opened
    config = CONFIG.sub("audit.log", File.join(Dir.mkdir(path("logs")) && "logs", "audit.log"))
    server = start(app: APP, config: config)
    File.rename(path("logs"), path("moved"))
    server.signal(:USR1)
    server.tree.size.times { server.wait_for(%r{reopening logs/audit.log failed: No such file or directory.* \(Errno::ENOENT\)}) }
    pid = server.get.body
    assert_equal "#{pid}\n", File.read(path("moved/audit.log"))
    assert_equal 0, server.stop.exitstatus
  end
end

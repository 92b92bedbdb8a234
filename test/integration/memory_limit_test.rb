# frozen_string_literal: true

require "support/control_group"
require "support/life"
require_relative "../../bench/support/load"

# Workers with too much memory are replaced in time, and no request is lost to that.
class MemoryLimitTest < LifeTest
  MIB = 1 << 20

  # The first worker to come leaks with every request; /bloat takes much at once.
  APP = <<~'RUBY'
    LEAK = []
    $leaks = false
    run ->(env) do
      LEAK << ("x" * 16_384) if $leaks
      $bloat = "x" * (300 << 20) if env["PATH_INFO"] == "/bloat"
      sleep(0.002)
      [200, { "content-type" => "text/plain" }, [Process.pid.to_s]]
    end
  RUBY

  LEAKS = <<~RUBY
    after_worker_fork do |_, worker|
      $leaks = worker.nr.zero? && !File.exist?("leaked")
      File.write("leaked", "") if $leaks
    end
  RUBY

  # @return [Float] MiB that the log says it had
  def replaced(server, word, what)
    server.wait_for(/worker=\d gen=0 pid=(?<pid>\d+) has (?<mib>[\d.]+) MiB of private memory, over .* \(#{word}\): #{what}/)
  end

  def loaded(server)
    load = Bench::Load.start("127.0.0.1:#{server.port}", concurrency: 4)
    result = yield
    assert_operator load.finish.requests, :>, 0
    load = nil
    result
  ensure
    load&.finish
  end

  def test_a_leak
    server = start(app: APP, config: "worker_processes 2\nworker_memory_limit private: '60M', hard: '600M'\n#{LEAKS}")
    first = server.process("pitchfork worker[0]").pid
    loaded(server) do
      worker = replaced(server, "worker_memory_limit", "replacing it")
      assert_equal first, worker[:pid].to_i
      assert_includes 60.0..300.0, worker[:mib].to_f
      server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
      server.wait_for(/worker=0 gen=0 pid=#{first} retired after \d+ requests/)
    end
    assert_clean_stop server
    assert_equal 1, server.log.scan("replacing it").size
    refute_match(/WARN|ERROR/, server.log)
  end

  def test_a_bloated_worker
    server = start(app: APP, config: "worker_processes 2\nworker_memory_limit private: '199M', hard: '200M'")
    loaded(server) do
      bloated = server.get("/bloat").body.to_i
      worker = replaced(server, "worker_memory_limit hard", "retiring it at once")
      assert_equal bloated, worker[:pid].to_i
      assert_operator worker[:mib].to_f, :>, 200
      server.wait_for(/worker=\d gen=0 pid=#{bloated} retired after/)
      server.wait_for(/worker=\d gen=0 pid=\d+ ready/) unless server.titles.grep(/worker\[\d\] \(gen:0\)\z/).size == 2
    end
    assert_clean_stop server
  end

  def test_counted
    config = <<~RUBY
      worker_memory_limit private: '100M'
      after_worker_exit { |server, *| File.write("counters", server.counters[:memory_retirements].to_s) }
    RUBY
    server = start(app: APP, config: config)
    server.get("/bloat")
    server.wait_for(/worker=0 gen=0 pid=\d+ retired/)
    server.stop
    assert_equal "1", File.read(path("counters"))
  end

  # What hooks of a new worker take is over the limit already.
  def test_a_limit_that_is_too_low
    config = "worker_processes 2\nworker_memory_limit private: '50M'\nafter_worker_fork { $ballast = 'x' * #{80 * MIB} }"
    server = server(app: APP, config: config).spawn
    server.wait_for(/worker_memory_limit is too low for gen=0: over it \S+s after it was ready; the next replacement waits 10.000s/)
    loaded(server) do
      replaced(server, "worker_memory_limit", "replacing it")
    end
    assert_clean_stop server
    assert_equal 1, server.log.scan("is too low").size
    assert_equal 3, server.log.scan("replacing it").size
  end

  # Where there is room for one, but not for its replacement besides.
  def test_in_a_control_group
    group = ControlGroup.new("pitchfork-limit-#{Process.pid}")
    root = ServerProcess::ROOT
    command = [RbConfig.ruby, "-w", "-I#{root}/lib", "#{root}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    config = <<~RUBY
      worker_processes 2
      worker_memory_limit private: "220M"
      after_worker_ready { $ballast = "x" * #{200 * MIB} }
    RUBY
    server = start(app: APP, config: config + LEAKS, command: group.enter(command))
    group.limit = group.used + (100 * MIB)
    first = server.process("pitchfork worker[0]").pid
    loaded(server) do
      replaced(server, "worker_memory_limit", "replacing it")
      server.wait_for(/worker=0 gen=0 pid=#{first} retired/)
      server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    end
    assert_equal 0, group.kills
    assert_operator server.log.index(/pid=#{first} retired/), :<, server.log.rindex(/worker=0 gen=0 pid=\d+ ready/)
    assert_clean_stop server
  rescue ControlGroup::Unavailable => e
    skip("no control group can be made here: #{e.message}")
  ensure
    @servers.each(&:kill)
    group&.remove
  end
end

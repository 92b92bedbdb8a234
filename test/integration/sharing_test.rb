# frozen_string_literal: true

require "support/life"
require_relative "../../bench/support/load"

# `refork_when :sharing` with real processes: it reforks by itself when workers have un-shared what they warmed up, and stops
# when there is nothing more to save.
class SharingTest < LifeTest
  SECONDS = 300
  APP = "#{ServerProcess::ROOT}/bench/apps/methods.ru"
  COMMAND = [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "-c", "pitchfork.rb"].freeze
  # A tenth of the benchmark's methods.
  SIZE = { "METHODS" => "12000", "SLICE" => "400" }.freeze
  GROWTH = /refork: (?<mib>[\d.]+) MiB per worker un-shared since the fork, slope -?[\d.]+ MiB\/min: gen=\d would save/

  def test_it_reforks_and_stops
    config = "worker_processes 4\nrefork_when :sharing, interval: 1"
    server = start(config: config, command: [*COMMAND, APP], env: SIZE)
    load = Bench::Load.start("127.0.0.1:#{server.port}", concurrency: 4, paths: ["/{n}"])
    before = server.wait_for(/INFO -- : #{GROWTH}/)[:mib].to_f
    server.wait_for(/rollout gen=1 done in \S+: 4 workers/)
    after = server.wait_for(/no #{GROWTH}/)[:mib].to_f
    assert_operator load.finish.requests, :>, 0
    load = nil
    assert_clean_stop server
    assert_operator before, :>, 5
    assert_operator after, :<, before
    assert_operator after, :>, 0, "what a worker has is measured before it serves"
    assert_includes 1..2, server.log.scan("INFO -- : refork: ").size
    refute_match(/WARN|ERROR|failed/, server.log)
  ensure
    load&.finish
  end

  # A process that changes its user, or says so itself (prctl(PR_SET_DUMPABLE)), is shown to root only.
  HIDES = <<~'RUBY'
    worker_processes 1
    worker_memory_limit private: "1M"
    after_worker_ready { syscall(RUBY_PLATFORM.start_with?("x86_64") ? 157 : 167, 4, 0) }
  RUBY

  def test_memory_that_can_not_be_read
    skip "only root can become another user" unless Process.euid.zero?
    File.chmod(0o777, @directory)
    become = "Process::GID.change_privilege(65534); Process::UID.change_privilege(65534); exec(*ARGV)"
    server = server(app: WHO, config: HIDES, command: [RbConfig.ruby, "-e", become, *COMMAND, "config.ru"], env: { "HOME" => @directory })
    server.spawn
    2.times { server.wait_for(/server ready|can't be measured/) } # in any order
    assert_match(%r{WARN -- : the memory of workers can't be measured: /proc/\d+/smaps_rollup: Permission denied; refork_when}, server.log)
    assert_equal "200", server.get.code
    assert_clean_stop server
    assert_equal 1, server.log.scan("can't be measured").size
  end
end

# frozen_string_literal: true

require "support/life"

# Whom the kernel kills first when memory runs out.
class OomScoreTest < LifeTest
  # @return [Array<Integer>] of master, mold and worker
  def scores(server)
    ["master", "mold", "worker[0]"].map { |name| Integer(File.read("/proc/#{server.process("pitchfork #{name}").pid}/oom_score_adj")) }
  end

  def before_setup
    super
    @ours = Integer(File.read("/proc/self/oom_score_adj"))
  end

  def test_workers_go_before_the_mold_and_the_mold_before_the_master
    server = start(app: HOLD)
    assert_equal [@ours, @ours + 100, @ours + 200], scores(server)
  end

  # The promoted worker and the mold that is booted again are molds like the first.
  def test_over_generations
    server = start(app: HOLD, config: "promotion :in_place")
    worker = server.process("pitchfork worker[0]").pid
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal worker, server.process("pitchfork mold").pid
    assert_equal [@ours, @ours + 100, @ours + 200], scores(server)
    server.signal(:HUP)
    server.wait_for(/rollout gen=2 done/)
    assert_equal [@ours, @ours + 100, @ours + 200], scores(server)
  end

  def test_relative_to_what_the_master_was_given
    skip "this machine's value leaves no room" if @ours > 500
    server = start(app: HOLD, command: ["/bin/sh", "-c", "echo 850 > /proc/self/oom_score_adj; exec \"$@\"", "sh", *command])
    assert_equal [850, 950, 1000], scores(server)
  end

  def test_switched_off
    server = start(app: HOLD, config: "oom_score_adj false")
    assert_equal [@ours] * 3, scores(server)
  end

  # A promoted worker lowers its own score, which the kernel permits without privileges, too.
  def test_as_another_user
    skip "only root can become another user" unless Process.euid.zero?
    File.chmod(0o755, @directory)
    server = start(app: HOLD, config: "user 'nobody'\nlogger Logger.new($stderr, level: :debug)")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal [@ours, @ours + 100, @ours + 200], scores(server)
    refute_match(/oom_score_adj could not/, server.log)
  end

  private

  def command
    [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
  end
end

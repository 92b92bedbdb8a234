# frozen_string_literal: true

require "support/life"

# `yjit_until_promotion :first_worker`: nobody compiles what all will get from worker 0.
class LateYjitTest < LifeTest
  COMPILES = <<~'RUBY'
    run ->(env) do
      wait_here if env["PATH_INFO"] == "/hold"
      [200, {}, ["#{env["pitchfork.worker"].nr} #{RubyVM::YJIT.enabled?}"]]
    end
  RUBY

  def before_setup
    super
    skip "RubyVM::YJIT.enable is of Ruby 3.3" unless defined?(RubyVM::YJIT) && RubyVM::YJIT.respond_to?(:enable)
  end

  def start_two(config = "", **options)
    start(app: COMPILES, config: "worker_processes 2\nyjit_until_promotion :first_worker\n#{config}", **options)
  end

  # @return [Array<String>] what both workers say, the held one last
  def answers(server)
    held = hold(server)
    other = server.get.body
    release
    [other, held.value.body]
  end

  def test_only_worker_0_compiles_until_it_is_the_mold
    server = start_two
    assert_equal ["0 true", "1 false"], answers(server).sort
    server.signal(:USR2)
    server.wait_for(/worker=0 .* promoted: mold gen=1/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal ["0 true", "1 true"], answers(server).sort
    assert_clean_stop server
  end

  def test_its_successor_does_the_same
    server = start_two
    server.signal(:KILL, to: server.process("pitchfork worker[0]").pid)
    server.wait_for(/worker=0 .* died of SIGKILL/)
    server.wait_for(/worker=0 .* ready in/)
    assert_equal ["0 true", "1 false"], answers(server).sort
  end

  def test_whoever_waits_too_long_begins_by_himself
    server = start_two("yjit_until_promotion :first_worker, others_after: 0.001")
    2.times { answers(server) }
    assert_equal ["0 true", "1 true"], answers(server).sort
  end

  def test_the_users_own_flag_does_not_begin_earlier
    assert_equal ["0 true", "1 false"], answers(start_two(ruby: ["--yjit"])).sort
    refute_match(/WARN/, @servers.first.log)
  end

  def test_an_app_that_does_not_wait
    server = start(app: "RubyVM::YJIT.enable\n#{COMPILES}", config: "yjit_until_promotion :first_worker")
    assert_match(/WARN.* yjit_until_promotion :first_worker: YJIT was switched on before/, server.log)
  end
end

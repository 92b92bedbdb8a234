# frozen_string_literal: true

require "support/life"

# The first worker of a new mold has to prove itself before more are forked.
class CanaryTest < LifeTest
  # Dies on its first request in generation 1 as long as the file is there.
  FRAGILE = <<~'RUBY'
    run ->(env) do
      exit!(3) if env["pitchfork.worker"].generation == 1 && File.exist?("fragile")
      [200, { "content-type" => "text/plain" }, [env["pitchfork.worker"].generation.to_s]]
    end
  RUBY

  def test_it_has_to_complete_requests
    server = start(app: HOLD, config: "worker_processes 2\npromotion :fork\nrefork_max_unavailable 0\ncanary_requests 3, seconds: 600")
    server.signal(:USR2)
    server.wait_for(/worker=\d gen=1 .*ready/)
    server.wait_for(/gen=0 .*retired/)
    assert_equal %w[0 1], server.titles.grep(/worker/).map { |title| title[/gen:(\d)/, 1] }.sort
    server.get until server.log.match?(/rollout gen=1 done/)
    assert_equal ["pitchfork master", "pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"],
                 server.titles
    assert_clean_stop(server)
  end

  def test_or_to_live_for_a_while
    server = start(app: WHO, config: "worker_processes 2\ncanary_requests 1000, seconds: 0.2")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop(server)
  end

  def test_one_that_dies_on_probation_ends_the_rollout_and_the_old_mold_goes_on
    write("fragile", "")
    server = start(app: FRAGILE, config: "worker_processes 2\npromotion :fork\nrefork_max_unavailable 0\ncanary_requests 3, seconds: 600")
    server.signal(:USR2)
    canary = server.wait_for(/worker=\d gen=1 pid=(\d+) ready/)[1].to_i
    begin
      server.get while server.alive?(canary) # whoever takes it
    rescue EOFError, SystemCallError
      nil
    end
    server.wait_for(/refork to gen=1 failed: worker=\d gen=1 pid=#{canary} exited with status 3; next attempt in 5\.0s/)
    server.wait_for(/gen=0 .*ready/) # the number of the canary, from the old mold
    File.delete(File.join(@directory, "fragile"))
    assert_equal "0", server.get.body
    assert_clean_stop(server)
  end

  def test_meanwhile_the_old_mold_replaces_who_dies
    server = start(app: WHO, config: "worker_processes 3\npromotion :fork\nrefork_max_unavailable 0\ncanary_requests 1000, seconds: 600")
    server.signal(:USR2)
    server.wait_for(/worker=0 gen=1 .*ready/)
    server.wait_for(/worker=0 gen=0 .*retired/)
    server.signal(:KILL, to: server.process("pitchfork worker[2] (gen:0)").pid)
    server.wait_for(/worker=2 gen=0 .*ready/)
    generations = server.titles.grep(/worker/).map { |title| title[/gen:(\d)/, 1].to_i }
    assert_equal [1, 0, 0], generations
    assert_clean_stop(server)
  end
end

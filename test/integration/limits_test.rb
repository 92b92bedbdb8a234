# frozen_string_literal: true

require "support/life"

# Workers that have served enough: the replacement is ready before they go.
class LimitsTest < LifeTest
  def test_max_requests
    server = start(app: WHO, config: "worker_processes 1\nmax_requests 5, jitter: 0")
    first = server.process("pitchfork worker[0]").pid
    5.times { assert_equal first, server.get.body.to_i }
    server.wait_for(/worker=0 gen=0 pid=#{first} has served 5 requests \(max_requests\): replacing it/)
    second = server.wait_for(/worker=0 gen=0 pid=(\d+) ready/)[1].to_i
    server.wait_for(/worker=0 gen=0 pid=#{first} retired/)
    assert_equal second, server.get.body.to_i
    assert_clean_stop(server)
  end

  def test_max_lifetime
    server = start(app: WHO, config: "worker_processes 2\nmax_lifetime 0.3")
    4.times do
      worn = server.wait_for(/worker=\d gen=0 pid=(\d+) has served \d+ requests \(max_lifetime\): replacing it/)[1]
      server.wait_for(/worker=\d gen=0 pid=#{worn} retired/)
    end
    assert_never_fewer_than_two(server.log)
    assert_clean_stop(server)
  end

  # Ready workers are counted from the log, where a retirement follows the readiness that permits it.
  def assert_never_fewer_than_two(log)
    ready = 0
    log.each_line do |line|
      ready += 1 if line.match?(/worker=\d gen=0 pid=\d+ ready/)
      ready -= 1 if line.match?(/worker=\d gen=0 pid=\d+ retired/)
      assert_operator ready, :>=, 2, line if line.include?("retired")
    end
  end

  def test_the_replacement_comes_first
    server = start(app: WHO, config: "worker_processes 2\nmax_requests 20, jitter: 0.5")
    assert_equal "200", server.get.code until server.log.scan("(max_requests): replacing it").size >= 5
    assert_never_fewer_than_two(server.log)
    assert_clean_stop(server)
  end

  def test_with_no_memory_to_spare_the_old_one_goes_first
    server = start(app: WHO, config: "worker_processes 2\nrefork_max_unavailable 1\nmax_requests 3, jitter: 0")
    worn = nil
    worn = server.get.body.to_i until server.log.include?("replacing it")
    server.wait_for(/pid=#{worn} retired after 3 requests|worker=\d gen=0 pid=\d+ retired/)
    server.wait_for(/worker=\d gen=0 pid=\d+ ready/)
    assert_clean_stop(server)
  end
end

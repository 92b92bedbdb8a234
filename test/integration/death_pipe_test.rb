# frozen_string_literal: true

require "support/life"

# A dead master takes everyone with it: at once, and busy workers after their request.
class DeathPipeTest < LifeTest
  def kill_master(server)
    children = watch(server)
    assert_equal 9, server.kill_master.termsig
    children
  end

  # No process of a dead master has anything to complain of.
  def refute_complaints(server)
    refute_match(/ERROR|\.rb:\d+:in |Broken pipe/, server.whole_log)
  end

  def test_idle_processes_go_at_once
    server = start(app: HOLD, config: "worker_processes 3")
    server.wait_gone(kill_master(server))
    refute_complaints server
  end

  def test_the_port_is_free_again
    server = start(app: HOLD)
    port = server.port
    server.wait_gone(kill_master(server))
    fresh = start(app: HOLD, config: "listen '127.0.0.1:#{port}', tries: 0")
    assert_equal "200", fresh.get.code
  end

  def test_a_busy_worker_finishes_its_request_and_goes
    server = start(app: HOLD, config: "worker_processes 2")
    response = hold(server)
    children = kill_master(server)
    server.wait_gone(children - [held_by])
    assert server.alive?(held_by)
    release
    assert_equal held_by.to_s, response.value.body.split.first
    server.wait_gone(held_by)
    refute_complaints server
  end

  def test_the_last_request_before_warmth
    server = start(app: HOLD, config: "refork_after [1]")
    response = hold(server)
    kill_master(server)
    release
    assert_equal "200", response.value.code
    server.wait_gone(held_by)
    refute_complaints server
  end

  def test_a_large_response_is_sent_to_its_end
    app = <<~'RUBY'
      run ->(env) { [200, {}, Enumerator.new { |body| wait_here; 64.times { body << "x" * 65_536 } }] }
    RUBY
    server = start(app: app)
    response = hold(server)
    kill_master(server)
    release
    assert_equal 64 * 65_536, response.value.body.bytesize
    server.wait_gone(held_by)
  end

  def test_before_worker_exit_runs
    server = start(app: HOLD, config: "#{RECORD}\nbefore_worker_exit { |_, worker| record(:exit, nr: worker.nr) }\nworker_processes 2")
    server.wait_gone(kill_master(server))
    assert_equal [0, 1], recorded(:exit).map { |line| line[:nr] }.sort
  end

  def test_while_the_boot_mold_boots_the_app
    server = server(app: "wait_here\n#{HOLD}").spawn
    mold = Integer(File.read(path("held")))
    children = kill_master(server)
    assert_equal [mold], children
    server.wait_gone(mold)
    refute_complaints server
  end

  def test_while_a_worker_starts
    config = "after_worker_fork { wait_here }"
    server = server(app: HOLD, config: config).spawn
    worker = Integer(File.read(path("held")))
    children = kill_master(server)
    server.wait_gone(children - [worker])
    release
    server.wait_gone(worker)
    refute_complaints server
  end

  def test_right_after_a_refork
    server = start(app: HOLD, config: "worker_processes 3\nrefork_max_unavailable 1")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.wait_gone(kill_master(server))
    refute_complaints server
  end

  # The mold goes, too, though its callback never returns.
  %i[in_place fork].each do |promotion|
    define_method(:"test_in_the_middle_of_a_promotion_#{promotion}") do
      config = <<~RUBY
        worker_processes 2
        promotion #{promotion.inspect}
        after_mold_fork { |_, mold| wait_here if mold.generation == 1 }
      RUBY
      server = start(app: HOLD, config: config)
      server.signal(:USR2)
      mold = Integer(File.read(path("held")))
      children = kill_master(server)
      assert_includes children, mold
      server.wait_gone(children)
      refute_complaints server
    end
  end

  def test_in_the_middle_of_a_rollout
    config = <<~RUBY
      worker_processes 2
      after_worker_fork { |_, worker| wait_here if worker.generation == 1 }
    RUBY
    server = start(app: HOLD, config: config)
    server.signal(:USR2)
    worker = Integer(File.read(path("held")))
    children = kill_master(server)
    server.wait_gone(children - [worker])
    release
    server.wait_gone(worker)
    refute_complaints server
  end

  # Clients that never leave a pause: a worker must not serve on for ever because there is always a next request.
  def test_under_continuous_load
    server = start(app: HOLD, config: "worker_processes 2")
    port = server.port
    answered = Queue.new
    clients = Array.new(6) do
      Thread.new do
        loop do
          body = TCPSocket.open("127.0.0.1", port) do |socket|
            socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            socket.read
          end
          answered << body
        end
      rescue SystemCallError
        nil
      end
    end
    200.times { assert_match(/\AHTTP\/1.1 200 .*\d+ \d 0\z/m, answered.pop) }
    children = kill_master(server)
    server.wait_gone(children)
    clients.each(&:join)
    refute_complaints server
  end

  # An app that takes its time gives a worker no reason to stay for a second request.
  def test_a_worker_takes_no_request_after_the_one_it_had
    server = start(app: HOLD)
    response = hold(server)
    waiting = TCPSocket.open("127.0.0.1", server.port)
    waiting.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    kill_master(server)
    release
    assert_equal "200", response.value.code
    answer = begin
      waiting.read
    rescue Errno::ECONNRESET
      ""
    end
    assert_empty answer
    server.wait_gone(held_by)
  ensure
    waiting&.close
  end
end

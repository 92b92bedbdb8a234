# frozen_string_literal: true

require "support/life"

# What an app learns from Pitchfork::Info, and what it may close.
class InfoTest < LifeTest
  COUNTS = <<~'RUBY'
    require "socket"
    run ->(_) { [200, {}, [Pitchfork::Info.then { |info| [info.workers_count, info.live_workers_count, info.shutting_down?].join(" ") }]] }
  RUBY

  def test_the_workers
    server = start(app: COUNTS, config: "worker_processes 2")
    assert_equal "2 2 false", server.get.body
    server.signal(:TTIN)
    server.wait_for(/worker=2 gen=0 pid=\d+ ready/)
    assert_equal "3 3 false", server.get.body
    2.times { server.signal(:TTOU) && server.wait_for(/worker=\d gen=0 pid=\d+ retired/) }
    assert_equal "1 1 false", server.get.body
    assert_clean_stop server
  end

  def test_a_worker_that_does_not_start_is_wished_and_not_there
    server = start(app: COUNTS, config: "after_worker_fork { |_, worker| raise 'oops' if worker.nr == 1 }")
    server.signal(:TTIN)
    server.wait_for(/worker=1 gen=0 pid=\d+ did not become ready/)
    assert_equal "2 1 false", server.get.body
    assert_equal 0, server.stop.exitstatus
  end

  def test_the_end
    server = start(app: HOLD, config: "#{RECORD}before_worker_exit { record(:exit, over: Pitchfork::Info.shutting_down?) }")
    server.signal(:TERM, to: server.process("pitchfork worker").pid)
    server.wait_for(/left after/)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_clean_stop server
    assert_equal([false, true], recorded(:exit).map { |line| line[:over] })
  end

  # The listeners, the channel and the logger are still there afterwards.
  def test_close_all_ios_in_every_new_process
    config = <<~'RUBY'
      worker_processes 2
      refork_max_unavailable 1
      logger Logger.new("server.log")
      after_mold_fork { Pitchfork::Info.close_all_ios! }
      after_worker_fork { |server, worker| Pitchfork::Info.close_all_ios!; server.logger.info("worker #{worker.nr} of #{worker.generation}") }
      after_monitor_ready { File.write("held", "") }
    RUBY
    app = "FILE = File.open(File::NULL)\nrun ->(env) { [200, {}, ['%p %d' % [FILE.closed?, env['pitchfork.worker'].generation]]] }"
    server = server(app: app, config: config).spawn
    File.read(path("held"))
    log = -> { File.read(path("server.log")) }
    port = Integer(log.call[%r{listening on http://\S*:(\d+)}, 1])
    assert_equal "true 0", Net::HTTP.get("127.0.0.1", "/", port)
    assert_equal 0, server.stop.exitstatus
    assert_match(/worker 0 of 0/, log.call)
    assert_match(/worker 1 of 0/, log.call)
    assert_empty server.log
  end
end

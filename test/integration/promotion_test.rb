# frozen_string_literal: true

require "support/life"

# How a worker becomes a mold.
class PromotionTest < LifeTest
  # A worker that has been asked for /thread has a thread, as clients of queues and databases have.
  THREADED = <<~'RUBY'
    run ->(env) do
      wait_here if env["PATH_INFO"] == "/hold"
      Thread.new { sleep } if env["PATH_INFO"] == "/thread"
      [200, {}, ["#{Process.pid} #{env["pitchfork.worker"].nr} #{env["pitchfork.worker"].generation} #{Thread.list.size}"]]
    end
  RUBY

  def promoted(server)
    line = server.wait_for(/worker=(\d) gen=(\d+) pid=(\d+) promoted: mold gen=(\d+) pid=(\d+) (in place|by fork)/)
    [line[3].to_i, line[5].to_i, line[6]]
  end

  # Has one worker serve the path and become the one that has served most: a request is counted before the same worker
  # takes its next one, and the others are kept from taking it.
  #
  # @return [Array<String>] words of the answer
  def serve_most(server, path)
    busy = hold(server)
    answers = [server.get(path), server.get, server.get]
    release
    busy.join
    answers.first.body.split
  end

  def test_in_place_the_pid_is_kept
    server = start(app: HOLD, config: "worker_processes 3")
    old = server.process("pitchfork mold").pid
    worker, mold, how = (server.signal(:USR2) && promoted(server))
    assert_equal [worker, "in place"], [mold, how]
    server.wait_for(/mold gen=0 pid=#{old} retired/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal worker, server.process("pitchfork mold (gen:1)").pid
    server.wait_gone(old)
    assert_clean_stop server
  end

  def test_the_worker_that_served_most_is_promoted
    server = start(app: HOLD, config: "worker_processes 2")
    busy = hold(server)
    others = Array.new(3) { server.get.body.split.first.to_i }
    assert_equal 1, others.uniq.size
    release
    busy.join
    server.signal(:USR2)
    assert_equal others.first, promoted(server).first
  end

  def test_a_busy_worker_is_promoted_after_its_request
    server = start(app: HOLD, config: "promotion :in_place")
    busy = hold(server)
    server.signal(:USR2)
    release
    assert_equal "200", busy.value.code
    assert_equal [held_by, held_by, "in place"], promoted(server)
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop server
  end

  def test_by_fork_when_the_worker_has_a_thread
    File.mkfifo(path("mold"))
    config = "worker_processes 2\nafter_mold_fork { |_, mold| File.read('mold') if mold.generation == 1 }"
    server = start(app: THREADED, config: config)
    pid, _, _, threads = serve_most(server, "/thread")
    assert_equal "2", threads
    server.signal(:USR2)
    worker, mold, how = promoted(server)
    assert_equal [pid.to_i, "by fork"], [worker, how]
    refute_equal worker, mold
    assert_equal 2, server.titles.grep(/worker\[\d\] \(gen:0\)/).size
    busy = hold(server) # by the one or by the other: then the one serves the next
    assert_includes [held_by, server.get.body.to_i], worker, "it goes on serving while the mold prepares itself"
    release
    busy.join
    File.write(path("mold"), "")
    server.wait_for(/rollout gen=1 done/)
    assert_equal mold, server.process("pitchfork mold (gen:1)").pid
    assert_equal server.pid, server.process("pitchfork mold (gen:1)").ppid
    assert_equal %w[1 1], server.get.body.split.last(2), "generation 1 has no thread but its own"
    server.wait_gone(worker)
    assert_clean_stop server
  end

  def test_in_place_is_refused_by_a_worker_with_a_thread_and_the_next_is_asked
    server = start(app: THREADED, config: "worker_processes 2\npromotion :in_place")
    pid = serve_most(server, "/thread").first.to_i
    server.signal(:USR2)
    server.wait_for(/worker=\d gen=0 pid=#{pid} can't be promoted: it has other threads, and promotion is :in_place/)
    worker, mold, how = promoted(server)
    assert_equal [mold, "in place"], [worker, how]
    refute_equal pid, worker
    server.wait_for(/rollout gen=1 done/)
  end

  def test_promotion_fork
    server = start(app: HOLD, config: "worker_processes 2\npromotion :fork\nrefork_max_unavailable 1")
    server.signal(:USR2)
    worker, mold, how = promoted(server)
    assert_equal "by fork", how
    refute_equal worker, mold
    server.wait_for(/rollout gen=1 done/)
    assert_equal mold, server.process("pitchfork mold (gen:1)").pid
    assert_clean_stop server
  end

  def test_promotion_in_place_with_one_worker
    server = start(app: HOLD, config: "promotion :in_place")
    worker = server.process("pitchfork worker").pid
    server.signal(:USR2)
    assert_equal [worker, worker, "in place"], promoted(server)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
    assert_clean_stop server
  end

  def test_one_worker_only_is_promoted_by_fork_and_answers_all_the_time
    config = "after_mold_fork { |_, mold| wait_here if mold.generation == 1 }"
    server = start(app: HOLD, config: config)
    pid = server.get.body.split.first
    server.signal(:USR2)
    assert_equal "by fork", promoted(server).last
    File.read(path("held"))
    3.times { assert_equal pid, server.get.body.split.first }
    release
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
  end

  def test_a_worker_that_is_no_longer_fork_safe_is_passed_over
    app = <<~'RUBY'
      run ->(env) do
        wait_here if env["PATH_INFO"] == "/hold"
        Pitchfork::Info.no_longer_fork_safe! if env["PATH_INFO"] == "/unsafe"
        [200, {}, ["#{Process.pid} #{Pitchfork::Info.fork_safe?}"]]
      end
    RUBY
    server = start(app: app, config: "worker_processes 2")
    pid, safe = serve_most(server, "/unsafe")
    assert_equal "false", safe
    server.signal(:USR2)
    server.wait_for(/worker=\d gen=0 pid=#{pid} can't be promoted: it is no longer fork safe/)
    worker, = promoted(server)
    refute_equal pid.to_i, worker
    server.wait_for(/rollout gen=1 done/)
    assert_equal "true", server.get.body.split.last
  end

  def test_no_worker_can_be_promoted
    app = "run ->(env) { Pitchfork::Info.no_longer_fork_safe!; [200, {}, [Process.pid.to_s]] }"
    server = start(app: app)
    pid = server.get.body
    server.signal(:USR2)
    server.wait_for(/worker=0 gen=0 pid=#{pid} can't be promoted: it is no longer fork safe/)
    server.wait_for(/refork to gen=1 failed: it is no longer fork safe/)
    assert_equal pid, server.get.body
    server.signal(:USR2)
    server.wait_for(/refork requested, but no worker can be promoted/)
    assert_equal pid, server.get.body
    assert_clean_stop server
  end

  def test_prevent_fork_is_waited_for
    app = <<~'RUBY'
      run ->(env) do
        Thread.new { Pitchfork.prevent_fork { wait_here; record(:released) } } if env["PATH_INFO"] == "/prevent"
        [200, {}, [Process.pid.to_s]]
      end
    RUBY
    server = start(app: RECORD + app, config: "#{RECORD}after_mold_fork { record(:mold) }")
    pid = server.get("/prevent").body
    assert_equal pid, File.read(path("held"))
    server.signal(:USR2)
    release
    assert_equal [pid.to_i, "by fork"], promoted(server).values_at(0, 2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal(%w[mold released mold], recorded.map { |line| line[:name] })
  end

  # The one that has served most has grown; its successors would begin with that.
  def test_not_the_largest
    app = <<~'RUBY'
      run ->(env) do
        $heap = "x" * (100 << 20) if env["PATH_INFO"] == "/grow"
        [200, {}, [env["pitchfork.worker"].nr.to_s]]
      end
    RUBY
    server = start(app: app, config: "worker_processes 2")
    grown = server.get("/grow").body
    server.signal(:USR2)
    refute_equal grown, server.wait_for(/worker=(\d) gen=0 pid=\d+ promoted/)[1]
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop(server)
  end
end

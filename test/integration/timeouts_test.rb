# frozen_string_literal: true

require "support/life"

# What becomes of a request that takes too long, and of its worker.
class TimeoutsTest < LifeTest
  # A path for each way to be stuck. The last ones do not even hear of the deadline.
  STUCK = <<~'RUBY'
    require "fiddle"
    LIBC = Fiddle::Handle::DEFAULT
    def native(name) = Fiddle::Function.new(LIBC[name], [], Fiddle::TYPE_INT, need_gvl: true)
    WAYS = {
      "/loop" => -> { loop {} },
      "/sleep" => -> { sleep },
      "/read" => -> { (pipe = IO.pipe).first.read(1) },
      "/mutex" => lambda do
        lock = Mutex.new
        Thread.new { lock.synchronize { sleep(3600) } }
        Thread.pass until lock.locked?
        lock.synchronize {}
      end,
      "/queue" => -> { Thread.new { sleep(3600) }; Queue.new.pop }, # alone, Ruby itself would call it a deadlock
      "/ensure" => -> { begin; ensure; loop {}; end },
      "/rescue" => -> { begin; sleep; rescue Exception; retry; end },
      "/native" => -> { loop { native("pause").call } },
      "/stopped" => -> { Process.kill(:STOP, Process.pid) }
    }
    run ->(env) do
      WAYS[env["PATH_INFO"]]&.call
      [200, {}, [Process.pid.to_s]]
    end
  RUBY

  # For a worker that can end itself, however busy this machine is.
  SOFT = "timeout 0.5, cleanup: 25\n"
  # For one that can not.
  HARD = "timeout 0.5, cleanup: 0.5\n"

  # @return [String, nil] what is answered; nil: the connection was closed
  def ask(server, path = "/", headers = {})
    server.get(path, headers).body
  rescue EOFError, Errno::ECONNRESET
    nil
  end

  # Asks for what its worker does not survive, and sees that another one takes its place.
  def assert_ends(server, how, path = "/late")
    worker = server.process("pitchfork worker[0]").pid
    assert_nil ask(server, path)
    server.wait_for(/worker=0 gen=0 pid=#{worker} #{how}/)
    refute_equal worker, server.wait_for(/worker=0 gen=0 pid=(\d+) ready/)[1].to_i
    refute_nil ask(server)
  end

  %w[loop sleep read mutex queue ensure rescue].each do |way|
    define_method("test_#{way}") do
      server = start(app: STUCK, config: SOFT)
      assert_ends server, "exited with status 1", "/#{way}"
      assert_match(%r{GET /#{way} is late after \d\.\d{3}s\n(?: +<internal:.*\n)? +#{path("config.ru")}:\d+:in }, server.log)
      assert_equal 0, server.stop.exitstatus
    end
  end

  %w[native stopped].each do |way|
    define_method("test_#{way}") do
      config = "after_worker_hard_timeout { |_, worker| record(:hard, pid: worker.pid, nr: worker.nr) }"
      server = start(app: STUCK, config: [RECORD, HARD, config].join("\n"))
      worker = server.process("pitchfork worker[0]").pid
      assert_ends server, "died of SIGKILL", "/#{way}"
      assert_equal [{ name: "hard", pid: worker, nr: 0 }], recorded
      refute_match(/is late after/, server.log)
      assert_clean_stop server
    end
  end

  def test_the_log_names_the_request
    server = start(app: STUCK, config: SOFT)
    ask(server, "/sleep?a=1", "X-Request-Id" => "abc")
    server.wait_for(%r{ERROR -- : GET /sleep\?a=1 \(request abc\) is late after})
  end

  # Neither code of the app nor that of libraries runs once the callback has returned.
  def test_the_end_is_at_once
    app = <<~'RUBY'
      worker = false
      at_exit { File.write("at_exit", "") if worker }
      run ->(_env) do
        worker = true
        sleep
      ensure
        File.write("ensure", "")
      end
    RUBY
    server = start(app: app, config: "#{RECORD}#{SOFT}before_worker_exit { record(:before_worker_exit) }")
    worker = server.process("pitchfork worker[0]").pid
    assert_nil ask(server)
    server.wait_for(/pid=#{worker} exited with status 1/)
    refute_path_exists path("at_exit")
    refute_path_exists path("ensure")
    refute_includes recorded.map { |line| line[:pid] }, worker
  end

  # Its connection would stay open as long as the child has it.
  def test_a_child_of_the_app_does_not_keep_the_client_waiting
    app = "run ->(_env) { File.write('child', fork { sleep }.to_s); sleep }"
    server = start(app: app, config: SOFT)
    assert_nil ask(server)
    child = Integer(File.read(path("child")))
    assert server.alive?(child)
  ensure
    Process.kill(:KILL, child) if child
  end

  def test_the_callback
    app = <<~'RUBY'
      LOCK = Mutex.new
      run ->(env) do
        Thread.current[:request] = env["PATH_INFO"]
        Thread.current.thread_variable_set(:user, "Ann")
        Fiber[:trace] = "t1" if Fiber.respond_to?(:[])
        sleep
      end
    RUBY
    config = <<~'RUBY'
      timeout 0.5, cleanup: 25
      after_worker_timeout do |server, worker, info|
        info.copy_thread_variables!
        trace = Fiber.respond_to?(:[]) ? Fiber[:trace] : "t1"
        LOCK.synchronize do
          server.logger.info(["callback", worker.nr, Thread.main == info.thread, info.thread.backtrace.first[/config.ru/],
                              info.rack_env["PATH_INFO"], Thread.current[:request],
                              Thread.current.thread_variable_get(:user), trace].join(" "))
        end
      end
    RUBY
    server = start(app: app, config: config)
    assert_nil ask(server, "/here")
    server.wait_for(%r{callback 0 true config.ru /here /here Ann t1$})
    server.wait_for(/exited with status 1/)
  end

  def test_a_callback_that_raises
    server = start(app: STUCK, config: "#{SOFT}after_worker_timeout { raise 'oops' }")
    assert_nil ask(server, "/sleep")
    server.wait_for(/after_worker_timeout raised: oops \(RuntimeError\)/)
    server.wait_for(/exited with status 1/)
  end

  def test_a_callback_that_hangs
    config = "#{HARD}after_worker_timeout { |server| server.logger.info('hanging'); sleep }\n" \
             "after_worker_hard_timeout { raise 'oops' }"
    server = start(app: STUCK, config: config)
    assert_ends server, "died of SIGKILL", "/sleep"
    assert_match(/hanging.*after_worker_hard_timeout raised: oops \(RuntimeError\)/m, server.log)
  end

  # What the app answers while the callback runs is sent, but the worker goes; and it takes no other request.
  def test_a_request_that_ends_during_the_callback
    app = "GO = IO.pipe\nrun ->(_env) { GO.first.read(1); [200, {}, ['late']] }"
    server = start(app: app, config: "timeout 0.5, cleanup: 60\nafter_worker_timeout { GO.last.write('.'); wait_here }")
    first = Thread.new { ask(server) }
    File.read(path("held"))
    assert_equal "late", first.value
    release
    server.wait_for(/exited with status 1 after 0 requests/)
  end

  def test_one_of_two_workers
    server = start(app: HOLD, config: "timeout 2, cleanup: 25\nworker_processes 2")
    late = hold(server)
    others = Array.new(3) { ask(server).split.first.to_i }
    assert_nil late.value
    stuck = Integer(server.wait_for(/pid=(\d+) exited with status 1/)[1])
    assert_equal held_by, stuck
    refute_includes others, stuck
    server.wait_for(/worker=\d gen=0 pid=\d+ ready/)
    assert_empty others - server.tree.map(&:pid)
  end
end

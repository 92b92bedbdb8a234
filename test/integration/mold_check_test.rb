# frozen_string_literal: true

require "support/life"

# A mold is checked before anybody depends on it: one that was a worker is given up, and the older generation serves on.
class MoldCheckTest < LifeTest
  # In place, so that what a worker has opened is still there in the mold that it becomes.
  CONFIG = <<~'RUBY'
    worker_processes 2
    refork_max_unavailable 1
    promotion :in_place
    def ill?
      File.exist?("ill")
    end
  RUBY

  # What a process that has served, and nobody else, does at a fork hook or when it starts a program.
  PATCH = <<~'RUBY'
    $served = false
    waiting = method(:wait_here)
    Process.singleton_class.prepend(Module.new do
      define_method(:_fork) { super().tap { |pid| waiting.call if pid.zero? && $served && File.exist?("hang") } }

      def spawn(*)
        $served && File.exist?("no programs") ? raise(Errno::EAGAIN) : super
      end
    end)
    run ->(env) { $served = true; [200, {}, ["#{Process.pid} #{env["pitchfork.worker"].generation}"]] }
  RUBY

  # Takes the client's connection over, and answers in a thread when the test lets it.
  TAKE_OVER = <<~'RUBY'
    run ->(env) do
      next [200, {}, ["#{Process.pid} #{env["pitchfork.worker"].generation}"]] unless env["PATH_INFO"] == "/hold"

      connection = env["rack.hijack"].call
      Thread.new do
        wait_here
        connection.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nlate")
        connection.close
      end
      [-1, {}, []]
    end
  RUBY

  def life(config = "", app: HOLD)
    start(app: app, config: CONFIG + config)
  end

  # The worker that has served most is the one that is promoted.
  # Of three requests one worker has served two, and has been seen to: so the one that is promoted has served.
  def refork(server, request = "/")
    3.times { server.get(request) }
    server.signal(:USR2)
  end

  def assert_given_up(server, reason)
    said = server.wait_for(/ERROR -- : mold check failed: #{reason}/)
    assert_serves server
    server.wait_for(/refork to gen=1 failed: .*it exited with status 1; next attempt in/)
    assert_serves server
    said
  end

  def assert_serves(server)
    assert_equal "0", server.get.body.split.last
  end

  # Once the cause is gone.
  def assert_reforks(server)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body.split.last
    assert_clean_stop server
  end

  # A connection to the test, opened by a request for /connect, as `$connection`.
  def connecting(options = "")
    @peer = TCPServer.new("127.0.0.1", 0)
    <<~RUBY
      require "objspace"
      ObjectSpace.trace_object_allocations_start
      $connection = nil
      run ->(env) do
        if env["PATH_INFO"] == "/connect"
          $connection = TCPSocket.new("127.0.0.1", #{@peer.addr[1]})
          #{options}
        end
        [200, {}, ["\#{Process.pid} \#{env["pitchfork.worker"].generation}"]]
      end
    RUBY
  end

  def after_teardown
    @peer&.close
    super
  end

  def test_a_thread_started_in_after_mold_fork
    server = life("after_mold_fork { Thread.new { sleep } if ill? }")
    write("ill", "")
    refork(server)
    assert_given_up(server, /#<Thread:\S+ pitchfork\.rb:\d+ .*> runs in the mold .*: start it in after_worker_fork/)
    File.unlink(path("ill"))
    assert_reforks(server)
  end

  def test_a_thread_of_the_boot
    server = life("", app: "Thread.new { sleep }\n#{HOLD}")
    assert_match(/WARN -- : mold check: #<Thread:\S+ .*config\.ru:\d+ .*> runs in the mold/, server.log)
    assert_reforks(server)
  end

  def test_a_connection_left_open
    server = life(app: connecting)
    refork(server, "/connect")
    place = "descriptor \\d+ is connected to 127\\.0\\.0\\.1:#{@peer.addr[1]}"
    origin = "\\(TCPSocket, opened at .*config\\.ru:\\d+\\)"
    assert_given_up(server, /#{place} #{origin}, .*declare it with Pitchfork::Info.keep_io/)
    assert_equal "", @peer.accept.read, "it went with the process"
    assert_reforks(server)
  end

  def test_a_connection_that_is_declared
    server = life(app: connecting("Pitchfork::Info.keep_io($connection)"))
    refork(server, "/connect")
    server.wait_for(/rollout gen=1 done/)
    refute_match(/mold check/, server.log)
    assert_clean_stop server
  end

  def test_a_connection_that_after_mold_fork_closes
    server = life("after_mold_fork { Pitchfork::Info.close_all_ios! }", app: connecting)
    refork(server, "/connect")
    server.wait_for(/rollout gen=1 done/)
    assert_equal "", @peer.accept.read
    refute_match(/mold check/, server.log)
    assert_clean_stop server
  end

  def test_a_connection_that_before_fork_closes
    server = life("before_fork { $connection&.close }", app: connecting)
    refork(server, "/connect")
    server.wait_for(/rollout gen=1 done/)
    refute_match(/mold check/, server.log)
    assert_clean_stop server
  end

  # The worker has a thread, so that the mold is a copy of it, with a copy of the client's connection.
  def test_a_connection_taken_over_from_a_client
    server = start(app: TAKE_OVER)
    client = hold(server)
    server.signal(:USR2)
    assert_given_up(server, /descriptor \d+ is connected to 127\.0\.0\.1:\d+ /)
    release
    assert_equal "late", client.value.body
    assert_reforks(server)
  end

  def test_a_connection_taken_over_whose_copy_is_closed
    server = start(app: TAKE_OVER, config: "after_mold_fork { Pitchfork::Info.close_all_ios! }")
    hold(server)
    server.signal(:USR2)
    server.wait_for(/mold gen=1 pid=\d+ ready/)
    refute_match(/mold check/, server.log)
    release
    assert_clean_stop server
  end

  def test_mold_sockets_warn
    server = life("mold_sockets :warn", app: connecting)
    refork(server, "/connect")
    server.wait_for(/WARN -- : mold check: descriptor \d+ is connected/)
    server.wait_for(/rollout gen=1 done/)
    assert_clean_stop server
  end

  def test_a_connection_of_the_boot
    @peer = TCPServer.new("127.0.0.1", 0)
    server = life(app: "CONNECTION = TCPSocket.new('127.0.0.1', #{@peer.addr[1]})\n#{HOLD}")
    assert_match(/WARN -- : mold check: descriptor \d+ is connected/, server.log)
    assert_clean_stop server
  end

  { "raise 'oops'" => /mold_check raised: oops \(RuntimeError\)/, "false" => /mold_check answered false/ }.each do |code, reason|
    define_method("test_a_mold_check_with_#{code[/\w+/]}_at_a_promotion") do
      server = life("mold_check { |mold| ill? ? (#{code}) : nil }")
      write("ill", "")
      refork(server)
      assert_given_up(server, reason)
      File.unlink(path("ill"))
      server.signal(:USR2)
      server.wait_for(/rollout gen=1 done/)
      assert_equal 0, server.stop.exitstatus
    end

    define_method("test_a_mold_check_with_#{code[/\w+/]}_at_the_boot") do
      server = server(app: HOLD, config: "mold_check { #{code} }").spawn
      assert_equal 1, server.wait.exitstatus
      assert_match(/ERROR -- : mold check failed: #{reason}/, server.log)
      assert_match(/the app did not boot/, server.log)
      refute_match(/listening on/, server.log)
    end
  end

  def test_what_a_mold_check_is_given
    server = life("#{RECORD}mold_check { |mold| record(:check, seen: [mold.mold?, mold.generation, mold.requests_count]) }")
    refork(server)
    server.wait_for(/rollout gen=1 done/)
    boot, promoted = recorded(:check).map { |line| line[:seen] }
    assert_equal [true, 0, 0], boot
    assert_equal [true, 1], promoted.first(2)
    assert_includes 1..3, promoted.last
    assert_clean_stop server
  end

  # The test hears of the probe from the probe itself, which waits for a byte that never comes.
  def test_a_fork_hook_that_hangs
    server = life("spawn_timeout 2", app: PATCH)
    write("hang", "")
    refork(server)
    probe = Integer(File.read(path("held")))
    assert_serves server
    assert_given_up(server, /a process forked from it hung at the fork for 1\.0s and was killed; look for a library that keeps a lock/)
    server.wait_gone(probe)
    File.unlink(path("hang"))
    assert_reforks(server)
  end

  def test_the_probe_does_not_outlive_its_mold
    server = life("spawn_timeout 120", app: PATCH)
    write("hang", "")
    worker = Integer(server.get.body.split.first)
    server.signal(:USR2)
    probe = Integer(File.read(path("held")))
    assert_equal [worker], (server.descendants.filter_map { |node| node.ppid if node.pid == probe })
    server.signal(:KILL, to: worker)
    server.wait_gone(probe)
    File.unlink(path("hang"))
    server.wait_for(/refork to gen=1 failed/)
    assert_reforks(server)
  end

  def test_no_program_can_be_started
    server = life(app: PATCH)
    write("no programs", "")
    refork(server)
    assert_given_up(server, /a process forked from it failed at subprocess: Errno::EAGAIN: Resource temporarily unavailable; look for/)
    File.unlink(path("no programs"))
    assert_reforks(server)
  end

  # Nobody is there to go back to, so that the workers may show whether it matters.
  def test_a_boot_mold_whose_probe_fails
    app = <<~RUBY
      Addrinfo.singleton_class.prepend(Module.new do
        def getaddrinfo(*)
          first = File.mkfifo("asked") rescue nil
          first ? Process.kill(:KILL, Process.pid) : super
        end
      end)
    RUBY
    server = life(app: app + HOLD)
    assert_match(/WARN -- : mold check: a process forked from it ended at getaddrinfo \(SIGKILL \(signal 9\)\)/, server.log)
    assert_reforks(server)
  end

  def test_a_mold_by_fork_is_checked_too
    server = start(app: HOLD, config: "after_mold_fork { Thread.new { sleep } if File.exist?('ill') }")
    write("ill", "")
    server.signal(:USR2)
    assert_given_up(server, /#<Thread:/)
    File.unlink(path("ill"))
    assert_reforks(server)
  end
end

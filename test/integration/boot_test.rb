# frozen_string_literal: true

require "support/life"

# The order of a start, and what is told when it fails.
class BootTest < LifeTest
  def test_a_port_in_use_fails_before_the_app_boots
    TCPServer.open("127.0.0.1", 0) do |taken|
      port = taken.addr[1]
      server = server(app: "File.write('loaded', '')\n#{HOLD}", config: "listen '127.0.0.1:#{port}', tries: 0").spawn
      assert_equal 1, server.wait.exitstatus
      assert_equal 1, server.log.lines.size, server.log
      assert_match(/\Apitchfork: .*127\.0\.0\.1:#{port}.*in use/, server.log)
      refute_path_exists path("loaded")
    end
  end

  def test_one_listener_in_use_closes_the_others
    TCPServer.open("127.0.0.1", 0) do |taken|
      config = "listen '#{path("first.sock")}'\nlisten '127.0.0.1:#{taken.addr[1]}', tries: 0"
      server = server(app: HOLD, config: config).spawn
      assert_equal 1, server.wait.exitstatus
      refute_path_exists path("first.sock")
    end
  end

  def test_an_app_that_raises
    server = server(app: "# frozen_string_literal: true\n\nraise 'no database today'\n").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/config\.ru:3:.*no database today \(RuntimeError\)/, server.log)
    assert_match(/mold gen=0 pid=\d+ did not become ready: it exited with status 1/, server.log)
    assert_match(/the app did not boot/, server.log)
    assert_empty server.descendants
  end

  def test_the_backtrace_names_the_apps_own_files
    write("broken.rb", "def connect\n  raise ArgumentError, 'wrong password'\nend\n")
    server = server(app: "require_relative 'broken'\nconnect\n").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/broken\.rb:2:in .*connect.*wrong password \(ArgumentError\)/, server.log)
    assert_match(/config\.ru:2:in /, server.log)
  end

  def test_an_app_with_a_syntax_error
    server = server(app: "run ->(env) { [200, {}, [] }\n").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/config\.ru:1: syntax error/, server.log)
    assert_match(/the app did not boot/, server.log)
  end

  def test_an_app_that_exits
    server = server(app: "exit 7\n").spawn
    assert_equal 1, server.wait.exitstatus
    assert_match(/did not become ready: it exited with status 7/, server.log)
  end

  def test_no_app_is_one_line
    server = server().spawn
    assert_equal 1, server.wait.exitstatus
    assert_equal ["pitchfork: config.ru: no such file; name the application's .ru or .rb file\n"], server.log.lines
  end

  def test_a_boot_mold_that_is_killed
    server = server(app: "wait_here\n#{HOLD}").spawn
    mold = Integer(File.read(path("held")))
    server.signal(:KILL, to: mold)
    assert_equal 1, server.wait.exitstatus
    assert_match(/mold gen=0 pid=#{mold} did not become ready: it died of SIGKILL/, server.log)
  end

  def test_a_server_that_is_stopped_while_it_boots
    %i[TERM QUIT INT].each do |signal|
      server = server(app: "wait_here\n#{HOLD}").spawn
      mold = Integer(File.read(path("held")))
      assert_equal 0, server.stop(signal).exitstatus
      server.wait_gone(mold)
      assert_match(/stopping on SIG#{signal}/, server.log)
      assert_match(/stopped\n\z/, server.log)
      refute_match(/config\.ru:\d/, server.log)
    end
  end

  def test_nobody_can_connect_before_a_worker_is_ready
    port = TCPServer.open("127.0.0.1", 0) { |free| free.addr[1] }
    config = "listen '127.0.0.1:#{port}'\nafter_worker_ready { wait_here('worker') }"
    server = server(app: "wait_here('app')\n#{HOLD}", config: config).spawn
    %w[app worker].each do |stage|
      assert_equal stage, File.read(path("held"))
      assert_raises(Errno::ECONNREFUSED) { TCPSocket.open("127.0.0.1", port).close }
      release
    end
    server.wait_for(/server ready/)
    assert_equal "200", server.get.code
  end

  def test_the_lines_of_a_start_in_order
    server = start(app: HOLD, config: "worker_processes 2")
    lines = server.log.lines.map { |line| line[/ : (.*)/, 1].gsub(/pid=\d+/, "pid=N").gsub(/\d+\.\d{3}s/, "Ts").sub(/:\d+$/, ":N") }
    lines.each { |line| line.sub!(/(?<=prepared in Ts): .*/, "") } # its steps differ between Rubies
    expected = ["mold gen=0 pid=N booting", "mold gen=0 pid=N prepared in Ts", "mold gen=0 pid=N ready in Ts",
                "listening on http://127.0.0.1:N", "worker=N gen=0 pid=N ready in Ts", "worker=N gen=0 pid=N ready in Ts",
                "server ready: 2 workers gen=0 in Ts"]
    assert_equal(expected, lines.map { |line| line.sub(/worker=\d/, "worker=N") })
  end
end

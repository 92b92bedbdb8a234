# frozen_string_literal: true

require "support/life"

# The part of systemd is played by the test: it makes the sockets, says so in the environment, and listens to what it is told.
class SystemdTest < LifeTest
  # The pid of a service is known in itself only: `exec` keeps it.
  SERVICE = ["/bin/sh", "-c", 'export LISTEN_PID=$$ WATCHDOG_PID=${WATCHDOG_PID-$$}; exec "$@"', "sh", RbConfig.ruby, "-w",
             "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "-c", "service.rb", "config.ru"].freeze

  # Evaluates the code that a request brings, in the worker.
  INSPECT = <<~'RUBY'
    run ->(env) { [200, {}, [eval(env["HTTP_X_CODE"] || "env['pitchfork.worker'].generation").inspect]] }
  RUBY

  def before_setup
    super
    @open = []
  end

  def after_teardown
    @open.each(&:close)
    super
  end

  # @return [Socket] as a socket unit makes it
  def socket(address, v6only: true)
    address = Addrinfo.unix(path(address)) unless address.is_a?(Addrinfo)
    socket = Socket.new(address.afamily, :STREAM)
    @open << socket
    socket.setsockopt(:IPV6, :V6ONLY, v6only) if address.ipv6?
    socket.bind(address)
    socket.listen(16)
    socket
  end

  def tcp(host = "127.0.0.1", **options)
    socket(Addrinfo.tcp(host, 0), **options)
  end

  # A service that is not started yet.
  #
  # @param sockets [Array<IO>] that are passed
  # @param names [String] LISTEN_FDNAMES
  def service(*sockets, names: nil, app: INSPECT, config: "", env: {})
    configure(config)
    variables = { "LISTEN_FDS" => sockets.size.to_s, "LISTEN_FDNAMES" => names }
    descriptors = sockets.each_with_index.to_h { |socket, index| [3 + index, socket] }
    server(app: app, command: SERVICE, descriptors: descriptors, env: variables.merge(env))
  end

  def configure(config)
    config = WAIT + config if config.include?("wait_here")
    write("service.rb", "#{config}\ncanary_requests 0\n")
  end

  # @return [Hash] for the environment of a service that talks to this test
  def manager
    @manager = Addrinfo.unix(path("notify"), :DGRAM).bind
    @open << @manager
    { "NOTIFY_SOCKET" => path("notify") }
  end

  # Waits for a message that has such a line.
  #
  # @return [String] the message
  def told(line)
    loop do
      raise "nobody said #{line.inspect}" unless @manager.wait_readable(ServerProcess::PATIENCE)

      message = @manager.recv(4096)
      return message if message.lines(chomp: true).any? { |said| line === said }
    end
  end

  # @return [Array<String>] what the service has said, once it has ended
  def all_told
    messages = []
    while (message = @manager.recv_nonblock(4096, exception: false)).is_a?(String)
      messages << message
    end
    messages
  end

  def get(io, code = nil)
    local = io.local_address
    client = local.unix? ? UNIXSocket.new(local.unix_path) : TCPSocket.new(local.ipv6? ? "::1" : "127.0.0.1", local.ip_port)
    request(client, code)
  end

  # @return [String] the body of the response
  def request(client, code = nil)
    client.write("GET / HTTP/1.0\r\n#{"X-Code: #{code}\r\n" if code}\r\n")
    client.read.split("\r\n\r\n", 2).last
  ensure
    client.close
  end

  def listening(server)
    server.log.scan(/listening on (.*)$/).flatten
  end

  def test_sockets_are_the_listeners_when_none_are_configured
    web, admin = tcp, socket("admin.sock")
    server = service(web, admin, names: "web:admin").start
    assert_equal ["http://127.0.0.1:#{web.local_address.ip_port} (from systemd: web)", "unix:#{path("admin.sock")} (from systemd: admin)"],
                 listening(server)
    assert_equal %w[0 0], [get(web), get(admin)]
  end

  def test_sockets_are_used_for_configured_addresses_and_the_others_served_too
    web, other = tcp, tcp
    config = "listen '127.0.0.1:#{web.local_address.ip_port}', tries: 0\nlisten '127.0.0.1:0'\n"
    server = service(other, web, names: "other:web", config: config).start
    own = server.log[%r{listening on http://127.0.0.1:(\d+)$}, 1]
    assert_equal ["http://127.0.0.1:#{web.local_address.ip_port} (from systemd: web)", "http://127.0.0.1:#{own}",
                  "http://127.0.0.1:#{other.local_address.ip_port} (from systemd: other)"], listening(server)
    assert_equal %w[0 0 0], [get(web), get(other), request(TCPSocket.new("127.0.0.1", own))]
  end

  # ListenStream=8080 makes one for IPv6 and IPv4; with another of its own pitchfork would not get the port.
  def test_a_socket_for_both_families_is_used_for_a_port
    both = tcp("::", v6only: false)
    port = both.local_address.ip_port
    server = service(both, config: "listen #{port}, tries: 0").start
    assert_equal ["http://0.0.0.0:#{port} (from systemd)"], listening(server)
    assert_equal %w[0 0], [get(both), request(TCPSocket.new("127.0.0.1", port))]
  end

  def test_who_was_connected_before_the_server_was_there_is_served
    web = tcp
    client = TCPSocket.new("127.0.0.1", web.local_address.ip_port)
    service(web).start
    assert_equal "0", request(client)
  end

  def test_nobody_but_the_server_gets_the_variables_and_the_sockets
    web = tcp
    config = "File.open('seen', 'a') { |file| file.puts(ENV.keys.grep(/LISTEN|NOTIFY|WATCHDOG|PITCHFORK/).inspect, `ls -l /proc/self/fd`) }"
    server = service(web, names: "web", config: config, env: manager.merge("WATCHDOG_USEC" => "60000000")).start
    seen = File.read(path("seen"))
    assert_equal ["[]\n", "[]\n"], seen.lines.grep(/\[/).grep_v(/pipe:|socket:/), "in the master and in the boot mold"
    refute_match(/socket:/, seen)
    assert_equal "[]", get(web, "ENV.keys.grep(/LISTEN|NOTIFY|WATCHDOG|PITCHFORK/)")
    assert_equal "[]", get(web, "`env`.lines.grep(/LISTEN|NOTIFY|WATCHDOG|PITCHFORK/)")
    refute_match(/socket:/, get(web, "`ls -l /proc/self/fd`"))
    assert_equal 0, server.stop.exitstatus
  end

  def test_what_is_no_socket_is_refused_in_one_line
    file = File.open(write("file", ""))
    @open << file
    server = service(tcp, file, names: "web:data", app: "File.write('loaded', '')").spawn
    assert_equal 1, server.wait.exitstatus
    assert_equal "pitchfork: LISTEN_FDS: descriptor 4 (data) is no socket; in the socket unit, use nothing but ListenStream=\n", server.log
    refute_path_exists path("loaded")
  end

  def test_files_and_sockets_of_systemd_outlive_the_server
    unix = socket("app.sock")
    first = service(unix).start
    assert_clean_stop first
    assert_path_exists path("app.sock")
    client = UNIXSocket.new(path("app.sock")) # waits in the queue for the next server
    service(unix, config: "listen '#{path("app.sock")}'").start
    assert_equal "0", request(client)
  end

  def test_a_refork_a_lost_mold_and_a_hot_restart
    web = tcp
    server = service(web, names: "web").start
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", get(web)
    server.signal(:KILL, to: server.process("pitchfork mold").pid)
    server.wait_for(/rollout gen=2 done/)
    configure("listen '127.0.0.1:#{web.local_address.ip_port}', backlog: 7")
    server.signal(:HUP)
    server.wait_for(/rollout gen=3 done/)
    assert_equal "3", get(web)
    assert_equal 1, listening(server).size
    assert_clean_stop server
  end

  def test_a_service_says_when_it_is_ready_and_when_it_stops
    server = service(tcp, env: manager, app: "wait_here\n#{INSPECT}").spawn
    assert_equal "STATUS=loading the app, version 1", told(/\ASTATUS/)
    File.read(path("held"))
    assert_empty all_told, "it is not ready yet"
    release
    assert_equal "READY=1\nSTATUS=serving", told("READY=1")
    server.wait_for(/server ready/)
    server.signal(:USR2)
    told("STATUS=serving generation 1")
    assert_clean_stop server
    assert_equal ["STOPPING=1\nSTATUS=stopping on SIGTERM"], all_told
  end

  def test_a_server_that_gives_up_says_that_it_stops
    server = service(tcp, env: manager, app: "raise 'no'").spawn
    assert_equal 1, server.wait.exitstatus
    assert_equal "STOPPING=1\nSTATUS=stopping", all_told.last
    refute(all_told.any?(/READY/))
  end

  # From the signal to the new code, with the time that Type=notify-reload asks for.
  def test_a_hot_restart_is_a_reload
    server = service(tcp, env: manager).start
    told("READY=1")
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
    server.signal(:HUP)
    assert_operator Integer(told("RELOADING=1")[/^MONOTONIC_USEC=(\d+)$/, 1]), :>=, before
    assert_equal "STATUS=loading the app, version 2", told(/\ASTATUS/)
    assert_equal "READY=1\nSTATUS=serving version 2", told("READY=1")
  end

  def test_a_reload_ends_when_the_hot_restart_fails
    server = service(tcp, env: manager).start
    told("READY=1")
    configure("nonsense")
    server.signal(:HUP)
    told("RELOADING=1")
    assert_match(/\AREADY=1\nSTATUS=serving; hot restart refused: service.rb:1: unknown setting nonsense\z/, told("READY=1"))
    configure("")
    write("config.ru", "raise 'no'")
    server.signal(:HUP)
    told("RELOADING=1")
    assert_match(/\AREADY=1\nSTATUS=serving; hot restart to version 2 failed: ./, told("READY=1"))
  end

  # It comes from the master's own loop: a master that is stuck is silent.
  def test_watchdog
    server = service(tcp, env: manager.merge("WATCHDOG_USEC" => "100000"), config: "after_worker_exit { wait_here }", app: INSPECT).start
    3.times { told("WATCHDOG=1") }
    server.signal(:KILL, to: server.process("pitchfork worker[0]").pid)
    File.read(path("held"))
    all_told
    assert_nil @manager.wait_readable(0.5), "a master that is stuck has said something"
    release
    told("WATCHDOG=1")
  end

  def test_a_watchdog_of_another_process
    server = service(tcp, env: manager.merge("WATCHDOG_USEC" => "2", "WATCHDOG_PID" => "1")).start
    server.stop
    assert_empty all_told.grep(/WATCHDOG/)
  end

  def test_a_manager_that_is_gone_is_no_reason_to_stop
    server = service(tcp, env: { "NOTIFY_SOCKET" => path("nobody") }).start
    assert_match(/WARN.*systemd was not told STATUS=.* \(NOTIFY_SOCKET #{path("nobody")}\): No such file/, server.log)
    assert_clean_stop server
  end
end

# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/listener"

# Sockets and other variables that systemd passes to a service. Descriptor 3 is taken by something else in this process, so
# the sockets of most tests come by the way that the boot mold gets them.
class SystemdTest < UnitTest
  VARIABLES = %w[LISTEN_PID LISTEN_FDS LISTEN_FDNAMES NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID].freeze

  def setup
    @sockets = []
  end

  # What was taken stays taken for the whole process.
  def teardown
    @sockets.each(&:close)
    Pitchfork::Systemd.take({})
  end

  def test_nothing_is_passed
    given = Pitchfork::Systemd.take({})

    assert_equal([], given.sockets)
    assert_nil(given.notifier.interval)
    assert_same(given, Pitchfork::Systemd.given)
  end

  def test_the_variables_are_removed_whoever_they_are_for
    [Process.pid, Process.pid + 1].each do |pid|
      environment = { "LISTEN_PID" => pid.to_s, "LISTEN_FDS" => "0", "LISTEN_FDNAMES" => "a", "NOTIFY_SOCKET" => "@a",
                      "WATCHDOG_USEC" => "1", "WATCHDOG_PID" => pid.to_s, "HOME" => "/" }

      assert_empty(Pitchfork::Systemd.take(environment).sockets)
      assert_equal({ "HOME" => "/" }, environment)
    end
  end

  def test_sockets_of_another_process_are_left_alone
    assert_empty(Pitchfork::Systemd.take("LISTEN_PID" => "1", "LISTEN_FDS" => "1").sockets)
    assert_empty(Pitchfork::Systemd.take("LISTEN_FDS" => "1").sockets)
  end

  def test_a_number_that_is_none
    ["", "one", "-1", nil].each do |count|
      assert_message("LISTEN_FDS: expected how many sockets are passed, got #{count.inspect}", Pitchfork::BindError) do
        Pitchfork::Systemd.take({ "LISTEN_PID" => Process.pid.to_s, "LISTEN_FDS" => count }.compact)
      end
    end
  end

  def test_half_of_the_watchdog_in_seconds_if_it_is_ours
    {
      { "WATCHDOG_USEC" => "3000000" } => 1.5,
      { "WATCHDOG_USEC" => "3000000", "WATCHDOG_PID" => Process.pid.to_s } => 1.5,
      { "WATCHDOG_USEC" => "3000000", "WATCHDOG_PID" => "1" } => nil,
      { "WATCHDOG_USEC" => "0" } => nil,
      { "WATCHDOG_USEC" => "soon" } => nil
    }.each do |environment, interval|
      given = Pitchfork::Systemd.take({ "NOTIFY_SOCKET" => "@a" }.merge(environment))

      assert_equal([interval], [given.notifier.interval], environment)
    end
    assert_nil(Pitchfork::Systemd.take("WATCHDOG_USEC" => "1").notifier.interval, "nobody to tell")
  end

  # In a process of its own, whose descriptors 3 and 4 are free: numbers, order, names, and who inherits them.
  def test_descriptors_from_3_on_in_their_order_with_their_names
    program = write("program.rb", <<~'RUBY')
      require "pitchfork/systemd"
      sockets = Pitchfork::Systemd.take.sockets
      sockets.each { |socket| puts [socket.io.fileno, socket.name.inspect, socket.address, socket.io.close_on_exec?, socket.listens?].join(" ") }
      puts ENV.keys.grep(/LISTEN/).inspect, `ls -l /proc/self/fd`.scan("socket:").size
    RUBY
    first, second = listening("127.0.0.1", 0), Addrinfo.unix("#{@directory}/a.sock").bind
    @sockets << second
    { "web" => ["web", nil], "web:admin" => %w[web admin], nil => [nil, nil] }.each do |names, shown|
      out, err, = ruby_with_sockets([first, second], program, names)

      assert_equal(["3 #{shown[0].inspect} 127.0.0.1:#{first.local_address.ip_port} true true",
                    "4 #{shown[1].inspect} #{@directory}/a.sock true false", "[]", "0"], out.lines(chomp: true), err)
    end
  end

  def test_a_descriptor_that_is_not_open
    out, = ruby_with_sockets([], write("program.rb", <<~'RUBY'), nil, 1)
      require "pitchfork/systemd"
      begin
        Pitchfork::Systemd::PassedSocket.new(900, "web")
      rescue Pitchfork::BindError => e
        puts e.message
      end
    RUBY

    assert_equal("LISTEN_FDS: descriptor 900 (web) is not open\n", out)
  end

  def test_what_is_no_socket_that_listens_or_can
    connected, other = UNIXSocket.pair
    refused = {
      File.open(write("file")) => "is no socket; in the socket unit, use nothing but ListenStream=",
      UDPSocket.new => "is no stream socket; in the socket unit, use ListenStream=",
      connected => "is a connection; in the socket unit, use Accept=no",
      Socket.new(:INET, :STREAM) => "is not bound to an address",
      Socket.new(:UNIX, :STREAM) => "is not bound to an address"
    }
    @sockets.push(other, *refused.keys)
    refused.each do |io, complaint|
      number = copy(io)
      assert_message("LISTEN_FDS: descriptor #{number} (web) #{complaint}", Pitchfork::BindError) do
        Pitchfork::Systemd::PassedSocket.new(number, "web")
      end
      assert_message("LISTEN_FDS: descriptor #{number = copy(io)} #{complaint}", Pitchfork::BindError) do
        Pitchfork::Systemd::PassedSocket.new(number)
      end
    end
  end

  def test_which_addresses_a_socket_serves
    four, six, both = listening("127.0.0.1", 0), listening("::1", 0), listening("::", 0, v6only: false)
    only = listening("::", 0)
    unix = Addrinfo.unix("#{@directory}/a.sock").listen
    @sockets << unix
    {
      [four, "127.0.0.1:PORT"] => true, [four, "localhost:PORT"] => true, [four, "0.0.0.0:PORT"] => false,
      [four, "127.0.0.2:PORT"] => false, [four, "127.0.0.1:1"] => false, [four, "no..host:PORT"] => false,
      [six, "[::1]:PORT"] => true, [six, "127.0.0.1:PORT"] => false, [six, "/a.sock"] => false,
      [both, "[::]:PORT"] => true, [both, "0.0.0.0:PORT"] => true, [both, "127.0.0.1:PORT"] => false,
      [only, "[::]:PORT"] => true, [only, "0.0.0.0:PORT"] => false,
      [unix, "#{@directory}/a.sock"] => true, [unix, "#{@directory}/b.sock"] => false, [unix, "127.0.0.1:1"] => false
    }.each do |(socket, text), answer|
      address = Pitchfork::Address.parse(socket == unix ? text : text.sub("PORT", socket.local_address.ip_port.to_s))

      assert_equal(answer, passed(socket).serves?(address), "#{socket.local_address.inspect} #{text}")
    end
  end

  def test_a_configuration_uses_passed_sockets_for_its_addresses_and_serves_the_others_too
    sockets = [listening("127.0.0.1", 0), listening("127.0.0.2", 0)].map { |socket| passed(socket) }
    source = write("settings.rb", "listen #{sockets.first.address.to_s.inspect}, backlog: 7; listen '127.0.0.3:1'")
    specs = Pitchfork::Configuration.load(config_file: source, sockets: sockets).listeners

    assert_equal([sockets[0].address, Pitchfork::Address.parse("127.0.0.3:1"), sockets[1].address], specs.map(&:address))
    assert_equal([sockets[0], nil, sockets[1]], specs.map(&:passed))
    assert_equal([7, 1024], specs.values_at(0, 1).map { |spec| spec[:backlog] })
    assert(specs.all?(&:frozen?))
  end

  def test_without_listen_passed_sockets_are_the_listeners
    socket = passed(listening("127.0.0.1", 0))

    assert_equal([socket], Pitchfork::Configuration.load(sockets: [socket]).listeners.map(&:passed))
    assert_equal(["0.0.0.0:8080"], Pitchfork::Configuration.load(sockets: []).listeners.map { |spec| spec.address.to_s })
  end

  def test_a_passed_listener_keeps_its_backlog_and_its_options
    socket = listening("127.0.0.1", 0)
    socket.setsockopt(:TCP, :DEFER_ACCEPT, 0)
    listener = listener_of(passed(socket, "web"), backlog: 1)
    client = TCPSocket.new("127.0.0.1", listener.address.port)
    listener.listen
    socket.accept.first.close # was waiting before
    client.close

    assert_equal(" (from systemd: web)", listener.origin)
    assert_equal([true, 0, 5], [listener.listening?, socket.getsockopt(:TCP, :DEFER_ACCEPT).int, backlog(socket)])
    assert_equal([], listener.respecify(listener.spec))
  end

  def test_a_passed_socket_that_does_not_listen_yet_and_its_file
    socket = Addrinfo.unix("#{@directory}/a.sock").bind
    listener = listener_of(passed(socket))
    socket.close

    assert_raises(Errno::ECONNREFUSED) { UNIXSocket.new("a.sock") }
    listener.listen
    UNIXSocket.new("a.sock").close
    listener.close

    assert(File.socket?("a.sock"))
    assert_raises(Errno::ECONNREFUSED, "here was nobody else to have it open") { UNIXSocket.new("a.sock") }
    assert_equal([" (from systemd)", "unix:#{@directory}/a.sock"], [listener.origin, listener.url])
  end

  def test_the_abstract_namespace
    name = "pitchfork-test-#{Process.pid}"
    socket = Addrinfo.unix("\0#{name}").listen
    @sockets << socket
    listener = listener_of(passed(socket))

    assert_equal(["unix:@#{name}", "@#{name}"], [listener.url, listener.to_s])
    assert_same(listener, listener.listen)
  end

  # After exec they have no other object.
  def test_sockets_for_the_boot_mold
    sockets = [listening("127.0.0.1", 0), listening("::1", 0)].map { |socket| passed(socket, "web") }
    sockets.each { |socket| socket.io.autoclose = false }
    environment = Pitchfork::Systemd::PassedSocket.environment(sockets)
    copies = Pitchfork::Systemd.take(environment).sockets

    assert_equal({}, environment)
    assert_equal([sockets.map(&:address), sockets.map { |socket| socket.io.fileno }],
                 [copies.map(&:address), copies.map { |socket| socket.io.fileno }])
    assert_equal({}, Pitchfork::Systemd::PassedSocket.environment([]))
  end

  private

  def listening(host, port, v6only: true)
    address = Addrinfo.tcp(host, port)
    socket = Socket.new(address.afamily, :STREAM)
    @sockets << socket
    socket.setsockopt(:IPV6, :V6ONLY, v6only) if address.ipv6?
    socket.bind(address)
    socket.listen(5)
    socket
  end

  # For a socket that listens, TCP_INFO has it in the place of tcpi_sacked (tcp_get_info in net/ipv4/tcp.c).
  def backlog(socket)
    socket.getsockopt(:TCP, :INFO).data.unpack1("@28L")
  end

  def passed(io, name = nil)
    Pitchfork::Systemd::PassedSocket.new(copy(io), name)
  end

  # A descriptor that no other Ruby object will close.
  def copy(io)
    io.dup.tap { |copy| copy.autoclose = false }.fileno
  end

  def listener_of(socket, **options)
    Pitchfork::Listener.bind(Pitchfork::ListenerSpec.new(socket.address, options, passed: socket), Logger.new(StringIO.new))
  end

  # As systemd starts it: the pid is known only in the process itself.
  def ruby_with_sockets(sockets, program, names, count = sockets.size)
    descriptors = sockets.each_with_index.to_h { |socket, index| [3 + index, socket] }
    Open3.capture3(
      { "RUBYOPT" => nil, "LISTEN_FDS" => count.to_s, "LISTEN_FDNAMES" => names },
      "/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", RbConfig.ruby, "-w", "-I#{ROOT}/lib", program, **descriptors
    )
  end
end

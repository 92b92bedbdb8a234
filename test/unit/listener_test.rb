# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/listener"

class ListenerTest < UnitTest
  IN_USE = "address already in use (another server is running there, or choose another port with -p)"
  PATH_IN_USE = "address already in use (another server is running there, or choose another path with -l)"

  def setup
    @log = StringIO.new
    @listeners = []
  end

  def teardown
    @listeners.each { |listener| listener.close unless listener.io.closed? }
  end

  def test_bound_but_not_listening
    listener = bind("127.0.0.1:0")
    port = listener.io.local_address.ip_port

    assert_equal("http://127.0.0.1:#{port}", listener.url)
    assert_equal("127.0.0.1:#{port}", listener.to_s)
    assert_equal([[listener.io], [listener.io.fileno]], [listener.ios, listener.descriptors])
    assert_equal([true, true, false], [listener.io.close_on_exec?, listener.io.nonblock?, listener.unix?])
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", port) }
    assert_same(listener, listener.listen)
    TCPSocket.new("127.0.0.1", port).close
  end

  def test_ipv6
    listener = bind("[::1]:0", ipv6only: true)

    assert_match(%r{\Ahttp://\[::1\]:[1-9]\d*\z}, listener.url)
    assert_equal(1, listener.io.getsockopt(:IPV6, :V6ONLY).int)
    # Bound to one address, a socket is for IPv6 only anyway.
    assert_equal(0, bind("[::]:0", ipv6only: false).io.getsockopt(:IPV6, :V6ONLY).int)
  end

  def test_a_name_is_served_on_ipv4
    assert_equal("127.0.0.1", bind("localhost:0").io.local_address.ip_address)
  end

  def test_socket_options
    io = bind("127.0.0.1:0", tcp_nodelay: false, tcp_nopush: true, reuseport: true, rcvbuf: 20_000, sndbuf: 30_000).io
    # The kernel doubles buffer sizes for its own bookkeeping (socket(7)).
    assert_equal([0, 1, 1, 40_000, 60_000], [option(io, :TCP, :NODELAY), option(io, :TCP, :CORK),
                                             option(io, :SOCKET, :REUSEPORT), option(io, :SOCKET, :RCVBUF),
                                             option(io, :SOCKET, :SNDBUF)])
    io = bind("127.0.0.1:0").io
    assert_equal([1, 0, 0, 1], [option(io, :TCP, :NODELAY), option(io, :TCP, :CORK), option(io, :SOCKET, :REUSEPORT),
                                option(io, :SOCKET, :REUSEADDR)])
  end

  def test_options_that_are_set_by_listen
    listener = bind("127.0.0.1:0", tcp_defer_accept: 3, backlog: 7)
    assert_equal(0, option(listener.io, :TCP, :DEFER_ACCEPT))
    listener.listen

    # The kernel counts in retransmissions and rounds up (tcp(7)).
    assert_operator(option(listener.io, :TCP, :DEFER_ACCEPT), :>=, 3)
    # tcpi_sacked, the 6th 32-bit word after 8 bytes of flags, is the backlog of a listening socket.
    assert_equal(7, listener.io.getsockopt(:TCP, :INFO).data.unpack("C8L6").last)
    listener = bind("127.0.0.1:0", tcp_defer_accept: false).listen
    assert_equal(0, option(listener.io, :TCP, :DEFER_ACCEPT))
  end

  def test_a_port_in_use_is_tried_again
    address = bind("127.0.0.1:0").listen.to_s

    assert_message("cannot listen on #{address}: #{IN_USE}", Pitchfork::BindError) do
      bind(address, tries: 2, delay: 0.001)
    end
    assert_equal(["#{address} is in use, trying again in 0.001s (2 left)",
                  "#{address} is in use, trying again in 0.001s (1 left)"], logged)
  end

  def test_a_port_that_becomes_free_is_taken
    other = bind("127.0.0.1:0").listen
    address = other.to_s
    @log.define_singleton_method(:write) { |*lines| super(*lines).tap { other.close } }

    assert_equal(address, bind(address, tries: -1, delay: 0).to_s)
    assert_equal(["#{address} is in use, trying again in 0s"], logged)
  end

  def test_two_servers_that_boot_at_the_same_time
    first = bind("127.0.0.1:0")
    second = bind(first.to_s)
    first.listen

    assert_message("cannot listen on #{first}: #{IN_USE}", Pitchfork::BindError) { second.listen }
  end

  def test_addresses_that_cannot_be_had
    assert_message("cannot listen on 192.0.2.1:80: no interface of this machine has that address",
                   Pitchfork::BindError) { bind("192.0.2.1:80") }
    error = assert_raises(Pitchfork::BindError) { bind("name.invalid:80") }
    assert_match(/\Acannot listen on name.invalid:80: .*(not known|failure)/, error.message)
  end

  def test_unix_socket_and_its_umask
    open = bind("#{@directory}/open.sock")
    closed = bind("unix:closed.sock", umask: 0o077)

    assert_equal(["unix:#{@directory}/open.sock", true], [open.url, open.unix?])
    assert_equal([0o777, 0o700], [open, closed].map { |listener| File.stat(listener.to_s).mode & 0o777 })
    refute_equal(0o077, File.umask)
    open.listen
    UNIXSocket.new(open.to_s).close
  end

  def test_a_directory_that_is_missing_and_one_that_is_none
    write("file")

    assert_message("cannot listen on #{@directory}/no/a.sock: there is no directory #{@directory}/no; create it first",
                   Pitchfork::BindError) { bind("unix:no/a.sock") }
    assert_message("cannot listen on #{@directory}/file/a.sock: #{@directory}/file is not a directory",
                   Pitchfork::BindError) { bind("unix:file/a.sock") }
  end

  def test_a_stale_unix_socket_is_replaced
    bind("unix:a.sock").listen.close(unlink: false)
    assert(File.socket?("a.sock"))

    bind("unix:a.sock").listen
    UNIXSocket.new("a.sock").close
    assert_empty(logged)
  end

  def test_a_unix_socket_that_is_served_is_in_use
    bind("unix:a.sock").listen

    assert_path_in_use
    UNIXSocket.new("a.sock").close
  end

  def test_a_unix_socket_with_a_full_queue_is_in_use
    bind("unix:a.sock", backlog: 1).listen
    waiting = Array.new(3) { Socket.new(:UNIX, :STREAM) }
    full = waiting.any? do |socket|
      socket.connect_nonblock(Addrinfo.unix("a.sock"), exception: false)
      false
    rescue Errno::EAGAIN
      true
    end

    assert(full)
    assert_path_in_use
  ensure
    waiting&.each(&:close)
  end

  def test_a_unix_socket_of_a_server_that_is_still_booting_is_in_use
    bind("unix:a.sock")

    assert_raises(Errno::ECONNREFUSED) { UNIXSocket.new("a.sock") }
    assert_path_in_use
  end

  def test_what_is_not_a_socket_is_never_removed
    write("file", "precious")
    bind("unix:a.sock").listen.close(unlink: false)
    File.symlink("a.sock", "link")

    %w[file link].each do |name|
      assert_message("cannot listen on #{@directory}/#{name}: it is not a socket; remove it, or choose another path",
                     Pitchfork::BindError) { bind("unix:#{name}") }
    end
    assert_equal("precious", File.read("file"))
    assert_equal("a.sock", File.readlink("link"))
  end

  def test_close_removes_the_file
    listener = bind("unix:a.sock")
    listener.close

    refute_path_exists("a.sock")
    assert(listener.io.closed?)
  end

  def test_close_leaves_the_file_of_another_server
    listener = bind("unix:a.sock")
    File.unlink("a.sock")
    bind("unix:a.sock")
    listener.close

    assert(File.socket?("a.sock"))
  end

  def test_close_after_somebody_removed_the_file
    listener = bind("unix:a.sock")
    File.unlink("a.sock")
    listener.close

    assert(listener.io.closed?)
  end

  def test_only_the_process_that_bound_removes_the_file
    listener = bind("unix:a.sock")
    child = Process.fork do
      listener.close
      exit!(0)
    end
    Process.wait(child)

    assert(File.socket?("a.sock"))
  end

  def test_inherited
    bound = bind("127.0.0.1:0")
    inherited = Pitchfork::Listener.inherit(bound.spec, [copy(bound)])
    inherited.listen

    assert_equal([bound.url, true, true], [inherited.url, inherited.io.close_on_exec?, inherited.io.nonblock?])
    TCPSocket.new("127.0.0.1", inherited.address.port).close
    inherited.close
  end

  def test_inherited_does_not_remove_the_file
    bound = bind("unix:a.sock")
    Pitchfork::Listener.inherit(bound.spec, [copy(bound)]).close

    assert(File.socket?("a.sock"))
  end

  def test_options_that_change
    listener = bind("127.0.0.1:0", reuseport: false, sndbuf: 8192)
    spec = Pitchfork::ListenerSpec.parse("127.0.0.1:0", tcp_nodelay: false, tcp_nopush: true, rcvbuf: 8192, reuseport: true)

    complaints = %w[reuseport sndbuf].map { |name| "listen 127.0.0.1:0: #{name} can't be changed while the server runs" }

    assert_equal(complaints, listener.respecify(spec))
    assert_equal([0, 1], %i[NODELAY CORK].map { |name| listener.io.getsockopt(:TCP, name).int })
    assert_equal(16_384, listener.io.getsockopt(:SOCKET, :RCVBUF).int, "the kernel doubles it, socket(7)")
    assert_equal(spec, listener.spec)
    refute_predicate(listener, :listening?)
    assert_equal(0, listener.io.getsockopt(:SOCKET, :ACCEPTCONN).int)
  end

  def test_a_umask_that_changes
    listener = bind("unix:a.sock", umask: 0)

    assert_empty(listener.respecify(Pitchfork::ListenerSpec.parse("unix:a.sock", umask: 0o077)))
    assert_equal("140700", File.stat("a.sock").mode.to_s(8))
    File.unlink("a.sock")

    complaints = listener.respecify(Pitchfork::ListenerSpec.parse("unix:a.sock"))

    assert_match(/\Alisten #{@directory}\/a.sock: No such file/, complaints.first)
  end

  # The boot mold evaluates a file that may have been changed since.
  def test_inherited_for_another_specification
    tcp, unix = bind("127.0.0.1:0"), bind("unix:a.sock")

    assert_inherited(tcp, ["127.0.0.1:0", "127.0.0.1:#{tcp.address.port}"], ["127.0.0.1:1", "unix:a.sock"])
    assert_inherited(unix, ["unix:a.sock"], ["127.0.0.1:0", "unix:b.sock"])
  end

  private

  def bind(address, **options)
    spec = Pitchfork::ListenerSpec.parse(address, options)
    Pitchfork::Listener.bind(spec, Logger.new(@log)).tap { |listener| @listeners << listener }
  end

  def assert_path_in_use
    assert_message("cannot listen on #{@directory}/a.sock: #{PATH_IN_USE}", Pitchfork::BindError) do
      bind("unix:a.sock", tries: 0)
    end
  end

  # A descriptor that no Ruby object will close, as after exec.
  def assert_inherited(bound, good, bad)
    good.each do |address|
      assert_equal(bound.url, Pitchfork::Listener.inherit(Pitchfork::ListenerSpec.parse(address), [copy(bound)]).url)
    end
    bad.each do |address|
      assert_raises(Pitchfork::BootFailure) do
        Pitchfork::Listener.inherit(Pitchfork::ListenerSpec.parse(address), [copy(bound)])
      end
    end
  end

  def copy(listener)
    listener.io.dup.tap { |io| io.autoclose = false }.fileno
  end

  def option(socket, level, name)
    socket.getsockopt(level, name).int
  end

  def logged
    @log.string.lines.map { |line| line[/ -- : (.*)$/, 1] }
  end
end

# frozen_string_literal: true

require "support/hot_restart_case"

# What becomes of the sockets in a hot restart.
class HotRestartListenersTest < HotRestartCase
  def listen(*addresses)
    addresses.map { |address| "listen #{address}\n" }.join
  end

  # Listeners that are gone are closed after the line about the rollout.
  def wait_for_restart(server)
    super.tap { wait_until_idle(server) }
  end

  def unix(name)
    path("#{name}.sock").inspect
  end

  def inode(name)
    File.stat(path("#{name}.sock")).ino
  end

  # @return [Array<String>] the server's listeners, as it logs them
  def urls(server)
    server.log.scan(/listening on (\S+)$/).flatten
  end

  # @return [Integer] what `ss` says of a TCP listener's accept queue
  def backlog(port)
    IO.popen(["ss", "-ltnH", "sport = :#{port}"], &:read).split[2].to_i
  end

  def test_one_more
    server = start(app: answering("one"), config: listen(unix("a")))
    kept = inode("a")
    deploy(app: answering("two"), config: listen("'127.0.0.1:0'", unix("a")))
    hot_restart(server)
    assert_equal "two", ask(path("a.sock"))
    assert_equal "two", server.get.body
    assert_equal kept, inode("a")
    assert_equal 2, urls(server).size, "each is opened once"
    assert_clean_stop server
    refute_path_exists path("a.sock")
  end

  def test_one_fewer
    server = start(app: HOLD, config: listen("'127.0.0.1:0'", unix("a"), unix("b")))
    before = descriptors(server)
    busy = hold(server)
    deploy(app: answering("two"), config: listen("'127.0.0.1:0'", unix("b")))
    server.signal(:HUP)
    server.wait_for(/hot restart: version=2 serves/)
    assert_path_exists path("a.sock"), "an older worker still serves it"
    release
    assert_equal "200", busy.value.code
    server.wait_for(/rollout gen=1 done/)
    wait_until_idle(server)
    assert_equal "two", ask(path("b.sock"))
    refute_path_exists path("a.sock")
    assert_equal before.size - 1, descriptors(server).size
    assert_clean_stop server
  end

  def test_one_in_place_of_another
    server = start(app: answering("one"), config: listen(unix("a"), unix("b")))
    kept = inode("b")
    deploy(app: answering("two"), config: listen(unix("c"), unix("b")))
    hot_restart(server)
    assert_equal(%w[two two], %w[c b].map { |name| ask(path("#{name}.sock")) })
    assert_equal kept, inode("b")
    refute_path_exists path("a.sock")
    assert_clean_stop server
  end

  def test_ports_of_the_kernels_choice_stay
    server = start(app: answering("one"), config: listen("'127.0.0.1:0'", "'127.0.0.1:0'"))
    ports = urls(server).map { |url| URI(url).port }
    deploy(app: answering("two"), config: listen(unix("a"), "'127.0.0.1:0'", "'127.0.0.1:0', backlog: 7"))
    hot_restart(server)
    assert_equal 3, urls(server).size
    assert_equal(%w[two two], ports.map { |port| Net::HTTP.get("127.0.0.1", "/", port) })
    assert_equal 7, backlog(ports.last)
    refute_equal 7, backlog(ports.first)
    deploy(config: listen("'127.0.0.1:#{ports.last}'"))
    hot_restart(server)
    assert_equal "two", Net::HTTP.get("127.0.0.1", "/", ports.last), "the same port, by its number"
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", ports.first) }
    assert_equal 3, urls(server).size
    assert_clean_stop server
  end

  def test_options
    server = start(app: answering("one"), config: listen("'127.0.0.1:0'", unix("a")))
    deploy(config: listen("'127.0.0.1:0', backlog: 5, reuseport: true", "#{unix("a")}, umask: 0o077"))
    server.signal(:HUP)
    server.wait_for(/WARN .*listen 127\.0\.0\.1:0: reuseport can't be changed while the server runs/)
    assert_equal 5, backlog(server.port)
    assert_equal "140700", File.stat(path("a.sock")).mode.to_s(8)
    assert_equal "one", ask(path("a.sock"))
  end

  def test_a_port_in_use
    server = start(app: answering("one"), config: listen("'127.0.0.1:0'"))
    taken = TCPServer.new("127.0.0.1", 0)
    before = descriptors(server)
    deploy(app: answering("two"), config: listen("'127.0.0.1:0'", unix("a"), "'127.0.0.1:#{taken.addr[1]}'"))
    server.signal(:HUP)
    server.wait_for(/ERROR .*hot restart refused: cannot listen on 127\.0\.0\.1:#{taken.addr[1]}: address already in use/)
    refute_path_exists path("a.sock"), "what was bound before it is closed again"
    assert_equal before, descriptors(server)
    assert_equal "one", server.get.body
    taken.close
    hot_restart(server)
    assert_equal "two", ask(path("a.sock"))
    assert_clean_stop server
  end

  # Nobody can connect before there is a worker to answer.
  def test_a_new_one_listens_when_its_first_worker_is_ready
    server = start(app: answering("one"), config: listen(unix("a")))
    deploy(app: "wait_here\n#{answering("two")}", config: listen(unix("a"), unix("b")))
    server.signal(:HUP)
    File.read(path("held"))
    assert_raises(Errno::ECONNREFUSED) { ask(path("b.sock")) }
    release
    wait_for_restart(server)
    assert_equal "two", ask(path("b.sock"))
    assert_clean_stop server
  end

  def test_a_new_one_is_closed_when_the_app_does_not_boot
    server = start(app: answering("one"), config: listen(unix("a")))
    before = descriptors(server)
    deploy(app: "raise 'no luck'\n", config: listen(unix("b")))
    server.signal(:HUP)
    server.wait_for(/hot restart to version=2 failed/)
    wait_until_idle(server)
    refute_path_exists path("b.sock")
    assert_equal before, descriptors(server)
    assert_equal "one", ask(path("a.sock"))
  end

  def test_one_that_comes_back_while_it_is_on_its_way_out
    server = start(app: HOLD, config: listen("'127.0.0.1:0'", unix("a")))
    kept = inode("a")
    busy = hold(server)
    deploy(app: answering("two"), config: listen("'127.0.0.1:0'"))
    server.signal(:HUP)
    server.wait_for(/hot restart: version=2 serves/)
    deploy(app: answering("three"), config: listen("'127.0.0.1:0'", unix("a")))
    server.signal(:HUP)
    release
    assert_equal "200", busy.value.code
    assert_equal 3, wait_for_restart(server)
    assert_equal "three", ask(path("a.sock"))
    assert_equal kept, inode("a")
    assert_clean_stop server
  end

  def test_a_socket_file_that_somebody_has_removed
    server = start(app: answering("one"), config: listen("'127.0.0.1:0'", unix("a")))
    File.unlink(path("a.sock"))
    hot_restart(server)
    assert_equal "one", ask(path("a.sock"))
    assert_clean_stop server
    refute_path_exists path("a.sock")
  end
end

# frozen_string_literal: true

require "support/app_test"

# Where a server listens, and what becomes of its sockets.
class ListenersTest < AppTest
  ADDRESS = '->(env) { [200, { "content-type" => "text/plain" }, [env.values_at("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR").join(" ")]] }'
  OLD = "GET / HTTP/1.0\r\n\r\n"

  def path(name)
    File.join(@directory, name)
  end

  # @return [Array<String>] the server's listeners, as it logs them
  def urls(server)
    server.log.scan(/listening on (\S+)$/).flatten
  end

  def ask_at(url)
    socket = url.start_with?("unix:") ? UNIXSocket.new(url.delete_prefix("unix:")) : TCPSocket.new(*URI(url).then { |uri|
                                                                                                     [uri.hostname, uri.port]
                                                                                                   })
    socket.write(OLD)
    Reply.parse(socket.read)
  ensure
    socket&.close
  end

  def test_several_at_once
    server = serve(ADDRESS, config: <<~RUBY)
      worker_processes 2
      listen "127.0.0.1:0"
      listen "#{path("app.sock")}"
      listen "[::1]:0"
      listen "127.0.0.1:0", tcp_defer_accept: false, tcp_nodelay: false, backlog: 5
    RUBY
    first, unix, six, second = urls(server)
    assert_equal "unix:#{path("app.sock")}", unix
    assert_match(%r{\Ahttp://\[::1\]:\d+\z}, six)
    refute_equal first, second
    3.times do
      assert_equal "127.0.0.1 #{URI(first).port} 127.0.0.1", ask_at(first).content
      assert_equal "localhost 80 127.0.0.1", ask_at(unix).content
      assert_equal "[::1] #{URI(six).port} ::1", ask_at(six).content
      assert_equal "127.0.0.1 #{URI(second).port} 127.0.0.1", ask_at(second).content
    end
  end

  # An IPv4 client of a listener for both is shown as what it is.
  def test_both_families_on_one_socket
    server = serve(ADDRESS, config: "listen '[::]:0', ipv6only: false")
    port = URI(urls(server).first).port
    assert_equal "[::] #{port} 127.0.0.1", ask_at("http://127.0.0.1:#{port}").content
    assert_equal "[::] #{port} ::1", ask_at("http://[::1]:#{port}").content
  end

  def test_the_mode_of_a_socket_file
    serve(ADDRESS, config: "listen '#{path("open.sock")}'\nlisten '#{path("closed.sock")}', umask: 0o077")
    modes = %w[open closed].map { |name| File.stat(path("#{name}.sock")).mode.to_s(8) }
    assert_equal %w[140777 140700], modes
  end

  def test_a_socket_file_goes_with_its_server
    server = serve(ADDRESS, config: "listen '#{path("app.sock")}'")
    server.stop
    refute_path_exists path("app.sock")
  end

  def test_a_stale_socket_file
    config = "listen '#{path("app.sock")}'"
    killed = serve(ADDRESS, config: config)
    killed.kill
    assert_path_exists path("app.sock")
    serve(ADDRESS, config: config)
    assert_equal "localhost 80 127.0.0.1", ask_at("unix:#{path("app.sock")}").content
  end

  # A live server keeps its socket, even from one with the same configuration; so does a file that is something else.
  def test_a_path_in_use
    config = "listen '#{path("app.sock")}', tries: 0"
    serve(ADDRESS, config: config)
    second = server(app: WHO, config: config).spawn
    assert_equal 1, second.wait.exitstatus
    assert_match(/\Apitchfork: cannot listen on #{path("app.sock")}: address already in use/, second.log)
    assert_equal "localhost 80 127.0.0.1", ask_at("unix:#{path("app.sock")}").content

    write("precious", "text")
    third = server(app: WHO, config: "listen '#{path("precious")}'").spawn
    assert_equal 1, third.wait.exitstatus
    assert_match(/precious: it is not a socket/, third.log)
    assert_equal "text", File.read(path("precious"))
  end

  def test_listeners_of_the_command_line
    server = serve(ADDRESS, arguments: ["-l", "127.0.0.1:0", "-l", "./app.sock".sub(".", @directory), "-o", "127.0.0.1", "-p", "0"])
    assert_equal 3, urls(server).size
    urls(server).each { |url| assert_match(/127\.0\.0\.1\z/, ask_at(url).content) }
  end

  # The address is free when the other server is gone: that is waited for.
  def test_an_address_that_becomes_free
    taken = TCPServer.new("127.0.0.1", 0)
    port = taken.addr[1]
    server = server(app: WHO, config: "listen '127.0.0.1:#{port}', tries: 1000, delay: 0.05").spawn
    server.wait_for(/127\.0\.0\.1:#{port} is in use, trying again in 0\.05s/)
    taken.close
    server.wait_for(/server ready/)
    assert_equal "200", server.get.code
  end
end

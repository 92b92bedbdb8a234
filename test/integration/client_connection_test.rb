# frozen_string_literal: true

require "support/app_test"

# check_client_connection: the app is not called for a client that is gone before its turn has come.
class ClientConnectionTest < AppTest
  # The first request holds the only worker until the test has put the others into the queue.
  APP = <<~'RUBY'
    ->(env) do
      note env["PATH_INFO"]
      File.open("gate").read if env["PATH_INFO"] == "/wait"
      [200, { "content-type" => "text/plain" }, ["fine"]]
    end
  RUBY

  def connect(server)
    server.is_a?(String) ? UNIXSocket.new(server) : TCPSocket.new("127.0.0.1", server.port)
  end

  # @param address [ServerProcess, String] whose clients go
  def queue_and_leave(server, address = server)
    File.mkfifo(File.join(@directory, "gate"))
    waiting = TCPSocket.new("127.0.0.1", server.port)
    waiting.write(request("GET", "/wait"))
    gate = File.open(File.join(@directory, "gate"), "w") # opened when the app has opened it, too
    connect(address).tap { |gone| gone.write(request("GET", "/gone")) }.close
    stays = connect(address).tap { |socket| socket.write(request("GET", "/stays")) }
    gate.close
    [waiting, stays].each { |socket| assert_equal "fine", Reply.parse(socket.read).content }
    notes
  end

  LOGGER = "logger Logger.new($stderr, level: Logger::DEBUG)\n"

  def test_off
    server = serve(APP)
    assert_equal ["/wait", "/gone", "/stays"], queue_and_leave(server)
  end

  def test_tcp
    server = serve(APP, config: "#{LOGGER}check_client_connection true")
    assert_equal ["/wait", "/stays"], queue_and_leave(server)
    server.wait_for(/DEBUG -- : refused a request from 127\.0\.0\.1: the client is gone$/)
  end

  def test_a_unix_socket
    path = File.join(@directory, "s.sock")
    server = serve(APP, config: "#{LOGGER}check_client_connection true\nlisten '127.0.0.1:0'\nlisten '#{path}'")
    assert_equal ["/wait", "/stays"], queue_and_leave(server, path)
    server.wait_for(/DEBUG -- : refused a request from unix:: the client is gone$/)
  end
end

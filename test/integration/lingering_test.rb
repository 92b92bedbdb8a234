# frozen_string_literal: true

require "support/app_test"

# A client that goes on sending after its answer gets the answer, and the worker has other things to do meanwhile.
class LingeringTest < AppTest
  APP = '->(env) { [200, { "content-type" => "text/plain" }, ["fine"]] }'

  # As a client that writes without looking whether there is an answer already.
  def upload(server, megabytes)
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("POST", "/", "Content-Length: #{megabytes << 20}"))
      yield if block_given?
      megabytes.times { socket.write("a" * (1 << 20)) }
      socket.close_write
      Reply.parse(socket.read)
    end
  end

  def test_an_upload_that_the_app_does_not_read
    server = serve(APP)
    reply = upload(server, 20) { assert_equal "fine", fetch(server).content }
    assert_equal [200, "fine"], reply.show(:status, :content)
  end

  def test_an_upload_that_is_refused
    server = serve(APP, config: "client_body_max_size 1000")
    reply = upload(server, 20) { assert_equal "fine", fetch(server).content }
    assert_equal [413, "close"], reply.show(:status, "connection")
  end

  # The one worker is free as long as they last, and when there are too many of them, too.
  def test_many_that_do_not_go
    server = serve(APP)
    sockets = Array.new(200) do
      TCPSocket.new("127.0.0.1", server.port).tap { |socket| socket.write(request("POST", "/", "Content-Length: 10")) }
    end
    sockets.each { |socket| assert_equal("fine", Reply.parse(socket.read).content) }
    assert_equal "fine", fetch(server).content
    descriptors = Dir.children("/proc/#{server.process("pitchfork worker[0]").pid}/fd").size
    assert_operator descriptors, :<, 100
  ensure
    sockets&.each(&:close)
  end

  # They end with the clients' own end, not at some time.
  def test_descriptors_are_freed
    server = serve(APP)
    worker = server.process("pitchfork worker[0]").pid
    fetch(server)
    before = Dir.children("/proc/#{worker}/fd").size
    10.times { upload(server, 1) }
    # The worker notices an end when it looks; requests make it look. Never, and the test's own limit ends this.
    fetch(server) until Dir.children("/proc/#{worker}/fd").size == before
  end

  def test_retiring_does_not_wait_for_them
    server = serve(APP)
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("POST", "/", "Content-Length: 10"))
      assert_equal("fine", Reply.parse(socket.read).content)
      server.stop
    end
  end
end

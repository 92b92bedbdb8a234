# frozen_string_literal: true

require "support/life"

# Connections that nobody has accepted yet when the server is told to stop.
class FullQueueTest < LifeTest
  QUEUED = 5

  def test_they_are_served_before_the_server_goes
    server = start(app: HOLD, config: "listen '127.0.0.1:0', tcp_defer_accept: 0\nworker_processes 1")
    held = hold(server)
    queued = connect { TCPSocket.new("127.0.0.1", server.port) }
    server.signal(:TERM)
    server.wait_for(/stopping on SIGTERM/)
    release
    assert_equal "200", held.value.code
    assert_served(queued)
    assert_equal 0, server.wait.exitstatus
    assert_match(/retired after #{QUEUED + 1} requests/, server.log)
  end

  def test_on_a_unix_socket
    server = start(app: HOLD, config: "listen 'unix:app.sock'\nlisten '127.0.0.1:0'\nworker_processes 1")
    held = hold(server)
    queued = connect { UNIXSocket.new(path("app.sock")) }
    server.signal(:QUIT)
    server.wait_for(/stopping on SIGQUIT/)
    release
    assert_equal "200", held.value.code
    assert_served(queued)
    assert_equal 0, server.wait.exitstatus
  end

  # Who retires while the server goes on leaves the queue to the others.
  def test_a_worker_that_retires_alone_takes_nothing_more
    server = start(app: HOLD, config: "listen '127.0.0.1:0', tcp_defer_accept: 0\nworker_processes 1")
    held = hold(server)
    old = held_by
    queued = connect { TCPSocket.new("127.0.0.1", server.port) }
    server.signal(:TERM, to: old)
    release
    held.value
    server.wait_for(/worker=0 gen=0 pid=#{old} left after 1 requests/)
    assert_served(queued)
    assert_clean_stop(server)
  end

  private

  def connect
    Array.new(QUEUED) { yield.tap { |socket| socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n") } }
  end

  def assert_served(sockets)
    answers = sockets.map(&:read)
    sockets.each(&:close)
    lines = answers.map { |answer| answer.lines.first&.chomp }
    assert_equal ["HTTP/1.1 200 OK"] * QUEUED, lines
  end
end

# frozen_string_literal: true

require "support/shared_server_test"

# Clients that take their time: each wait of the server has an end.
class SlowClientsTest < SharedServerTest
  COUNTED = <<~'RUBY'
    $ticks = 0
    Many = Struct.new(:name) do
      def each
        loop { yield "x" * 65_536 }
      end

      def close
        note("closed #{name}")
      end
    end
  RUBY
  serves <<~'RUBY', setup: COUNTED, lint: false, config: <<~CONFIG
    lambda do |env|
      case env["PATH_INFO"]
      when "/start" then Thread.new { loop { $ticks += 1; sleep(0.001) } }
      when "/ticks" then next [200, {}, [$ticks.to_s]]
      when "/many"
        env["rack.response_finished"] << ->(*arguments) { note("finished #{arguments.last.class}") }
        next [200, {}, Many.new("many")]
      when "/large" then next [200, {}, ["x" * 100_000_000]]
      when "/rescue"
        begin
          env["rack.input"].read
        rescue Pitchfork::ClientShutdown => e
          next [200, {}, ["rescued #{e.status}"]]
        end
      end
      [200, {}, [env["rack.input"].read]]
    end
  RUBY
    listen '127.0.0.1:0', tcp_defer_accept: 0
    require "logger"
    logger Logger.new($stderr, level: :debug)
    client_header_timeout 1
    client_body_timeout 1
    client_write_timeout 1
  CONFIG

  # Longer than the second of the settings, much shorter than what they would be otherwise.
  LATE = (1.0..6.0)

  def seconds
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  end

  def assert_times_out(bytes)
    reply = ending = nil
    took = seconds { reply, ending = exchange(bytes) }
    assert_includes LATE, took, bytes
    assert_equal [408, "close", "Request Timeout\n", :fin], [*reply.show(:status, "connection", :body), ending], bytes
  end

  # RFC 9110, 15.5.9
  def test_a_head_that_does_not_end
    ["", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: 1"].each do |bytes|
      assert_times_out(bytes)
      shared.wait_for(/refused a request from 127\.0\.0\.1: 408, /)
    end
  end

  # The time is for all of it.
  def test_a_head_that_drips
    took = seconds do
      Wire.open(shared.port) do |wire|
        wire.write("GET / HTTP/1.1\r\nX: ")
        wire.write("a") until wire.socket.wait_readable(0.1)
        assert_equal 408, Reply.parse(wire.finish.first).status
      end
    end
    assert_includes LATE, took
  end

  def test_a_body_that_stalls
    ["", "hal"].each { |part| assert_times_out(request("POST", "/", "Content-Length: 5", body: part)) }
    ["5\r\nhal", "5\r\nhello\r\n0\r\n"].each do |part|
      assert_times_out(request("POST", "/", "Transfer-Encoding: chunked", body: part))
    end
  end

  # The app may have something better to say.
  def test_a_body_that_stalls_for_an_app_that_answers
    reply, ending = exchange(request("POST", "/rescue", "Content-Length: 5", body: "hal"))
    assert_equal [200, "rescued 408", :fin], [*reply.show(:status, :body), ending]
  end

  # Sends the pieces of a body until there is an answer, with a pause behind each.
  def drip(pieces, *fields, pause:)
    reply = ending = nil
    took = seconds do
      reply, ending = exchange("") do |wire|
        wire.write(request("POST", "/", *fields))
        pieces.each { |piece| break if wire.socket.wait_readable(pause) || !wire.write(piece) }
      end
    end
    [reply, ending, took]
  end

  # The time is for each pause: it is no limit to large bodies, at 500 bytes a second.
  def test_a_slow_body
    body = "0123456789" * 400
    reply, ending, took = drip(body.scan(/.{200}/), "Content-Length: 4000", pause: 0.1)
    assert_equal [200, body, :fin], [*reply.show(:status, :body), ending]
    assert_operator took, :>, 1
  end

  # Each byte is in time, and all of them are not. What is only framing is nothing.
  def test_a_body_that_drips
    {
      "Content-Length: 10000" => ["a"] * 10_000,
      "Transfer-Encoding: chunked" => ["1;"] + (["a"] * 10_000)
    }.each do |field, pieces|
      reply, ending, took = drip(pieces, field, pause: 0.1)
      assert_equal [408, :fin], [reply.status, ending], field
      assert_includes LATE, took, field
    end
  end

  # The kernel calls a socket writable when a third of its buffer is free, which takes this client longer than the timeout.
  def test_a_response_that_is_read_slowly
    Wire.open(shared.port) do |wire|
      wire.write(request("GET", "/large"))
      wire.await("\r\n\r\n")
      25.times do
        sleep(0.1) # the client's own time
        wire.received << wire.socket.read(20_000)
      end
      received, ending = wire.finish
      assert_equal [100_000_000, :fin], [received.partition("\r\n\r\n").last.bytesize, ending]
    end
  end

  # The only worker is free again, and the app's things are closed, once.
  def test_a_response_that_nobody_reads
    %w[/many /large].each do |target|
      Wire.open(shared.port) do |wire|
        wire.write(request("GET", target))
        took = seconds { assert_equal "", exchange(request("GET", "/")).first.body }
        assert_includes LATE, took, target
        received, ending = wire.finish
        assert_match(/\AHTTP\/1\.1 200 OK\r\n/, received)
        refute received.end_with?("\r\n0\r\n\r\n"), "it must not look complete"
        assert_operator received.bytesize, :<, 100_000_000
        assert_includes %i[fin rst], ending
      end
    end
    assert_equal ["closed many", "finished Pitchfork::ClientShutdown"], notes.first(2)
    refute_includes notes.drop(2), "closed many"
  end

  # While the worker waits for bytes, the app's threads go on.
  def test_threads_run_meanwhile
    exchange(request("GET", "/start"))
    ticks = -> { exchange(request("GET", "/ticks")).first.body.to_i }
    before = ticks.call
    assert_times_out("GET / HTTP/1.1\r\n")
    after_head = ticks.call
    assert_operator after_head - before, :>, 100
    assert_times_out(request("POST", "/", "Content-Length: 5", body: "hal"))
    assert_operator ticks.call - after_head, :>, 100
  end
end

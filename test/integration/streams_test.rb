# frozen_string_literal: true

require "support/app_test"

# Bodies that answer `call`, which Rack 3 has: the app is given a stream, and writes when it likes.
class StreamsTest < AppTest
  # Rack 2's Lint knows bodies with `each` only.
  LINTED = RACK >= 3

  def serve_stream(body, **options)
    serve("->(env) { [200, { 'content-type' => 'text/plain' }, ->(stream) { #{body} }] }", lint: LINTED, **options)
  end

  def test_what_is_written_is_sent_at_once
    server = serve_stream("stream << 'one'; stream.flush; File.read('gate'); stream.write('two'); stream.close")
    gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/"))
      received = +""
      received << socket.readpartial(1000) until received.end_with?("\r\n3\r\none\r\n")
      File.write(gate, "")
      assert_equal "3\r\ntwo\r\n0\r\n\r\n", socket.read
    end
  end

  def test_an_old_client
    server = serve_stream("stream << 'one'; stream << 'two'; stream.close")
    reply = ask(server, request("GET", "/", version: "1.0"))
    assert_equal [nil, "onetwo"], [reply["transfer-encoding"], reply.body]
  end

  def test_echoes_the_request_while_it_comes
    server = serve_stream(<<~RUBY, config: "rewindable_input false")
      while (piece = stream.read(5))
        stream << piece.upcase
      end
      stream.close
    RUBY
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("POST", "/", "Content-Length: 10"))
      socket.write("hello")
      received = +""
      received << socket.readpartial(1000) until received.end_with?("\r\n5\r\nHELLO\r\n")
      socket.write("world")
      assert_equal "5\r\nWORLD\r\n0\r\n\r\n", socket.read
    end
  end

  # A 100 behind the final status would be taken for a part of the body.
  def test_no_continue_in_the_middle_of_a_response
    server = serve_stream("stream << stream.read.to_s; stream.close", config: "rewindable_input false")
    reply = ask(server, request("POST", "/", "Content-Length: 2", "Expect: 100-continue", body: "hi"))
    assert_equal [200, "hi"], [reply.status, reply.content]
  end

  def test_head_does_not_call_it
    server = serve_stream("note('called'); stream.close")
    assert_equal [200, ""], ask(server, request("HEAD", "/")).show(:status, :body)
    fetch(server)
    assert_equal ["called"], notes
  end

  def test_raising_in_the_middle
    server = serve_stream("stream << 'one'; raise 'broken'")
    reply = fetch(server)
    assert_equal [200, nil, "3\r\none\r\n"], [reply.status, reply.content, reply.body], "it must not look complete"
    server.wait_for(/GET \/ failed: broken \(RuntimeError\)/)
    assert_equal 200, fetch(server).status
  end

  def test_a_stream_that_is_closed
    server = serve_stream(<<~RUBY)
      stream << "one"
      stream.close_write
      note(stream.closed?)
      begin
        stream << "two"
      rescue IOError => e
        note(e.message)
      end
      stream.close
      note(stream.closed?)
    RUBY
    assert_equal "one", fetch(server).content
    fetch(server)
    assert_equal ["false", "not opened for writing", "true"], notes.first(3)
  end

  def test_the_response_ends_when_the_stream_is_closed
    server = serve_stream("stream.write('one', :two, 3); stream.close; File.read('gate')")
    gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/"))
      received = +""
      received << socket.readpartial(1000) until received.end_with?("\r\n0\r\n\r\n")
      assert_equal "onetwo3", Reply.parse(received).content
      File.write(gate, "")
      assert_equal "", socket.read
    end
  end

  # Each direction ends for itself.
  def test_reading_goes_on_when_all_is_written
    ["rewindable_input true", "rewindable_input false"].each do |config|
      server = serve_stream("stream << stream.read(3); stream.close_write; note(stream.read); stream.close", config: config)
      TCPSocket.open("127.0.0.1", server.port) do |socket|
        socket.write(request("POST", "/", "Content-Length: 6", body: "one"))
        received = +""
        received << socket.readpartial(1000) until received.end_with?("\r\n0\r\n\r\n")
        socket.write("two")
        assert_equal "", socket.read
      end
      server.stop
    end
    assert_equal %w[two two], notes
  end

  # The usual way to write such a body; half of it must not look like all of it.
  def test_raising_with_a_stream_that_is_closed_in_the_end
    server = serve_stream("begin; stream << 'one'; raise 'broken'; ensure; stream.close; end")
    assert_equal [nil, "3\r\none\r\n"], fetch(server).show(:content, :body)
    server.wait_for(/GET \/ failed: broken \(RuntimeError\)/)
  end

  def test_a_stream_that_is_closed_too_early
    server = serve(<<~'RUBY', lint: LINTED)
      ->(_) { [200, { "content-type" => "text/plain", "content-length" => "9" }, ->(stream) { stream << "one"; stream.close }] }
    RUBY
    assert_equal "one", fetch(server).body
    server.wait_for(/GET \/ failed: the response body is 6 bytes shorter than its Content-Length/)
  end

  # Nobody waits for the thread, and what is written after the end belongs to no response.
  def test_a_stream_that_is_kept
    server = serve(<<~'RUBY', setup: "$kept = nil", lint: LINTED)
      lambda do |env|
        begin
          $kept << "late" if $kept
        rescue => e
          note(e.class)
        end
        [200, { "content-type" => "text/plain" }, ->(stream) { $kept = stream; stream << "one" }]
      end
    RUBY
    3.times { assert_equal "one", fetch(server).content }
    assert_equal %w[IOError IOError], notes.first(2)
  end

  def test_the_client_goes_away
    server = serve_stream(<<~RUBY)
      begin
        10_000.times { stream << "x" * 65_536 } if env["PATH_INFO"] == "/long"
      rescue => e
        note(e.class)
        raise
      ensure
        stream.close
      end
    RUBY
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/long"))
      socket.readpartial(1000)
      reset(socket)
    end
    assert_equal 200, fetch(server, "/").status
    assert_equal ["Pitchfork::ClientShutdown"], notes
    refute_match(/ERROR/, server.log, "a client that leaves is no error")
  end
end

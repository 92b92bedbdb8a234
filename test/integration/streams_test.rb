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
    assert_equal ["false", "the stream is closed for writing", "true"], notes.first(3)
  end

  # What is written after the end belongs to no response.
  def test_a_stream_that_is_kept
    server = serve(<<~'RUBY', setup: "$kept = nil", lint: false)
      lambda do |env|
        begin
          $kept << "late" if $kept
        rescue => e
          note(e.class)
        end
        [200, {}, ->(stream) { $kept = stream; stream << "one" }]
      end
    RUBY
    3.times { assert_equal "one", fetch(server).content }
    assert_equal %w[Pitchfork::Error Pitchfork::Error], notes.first(2)
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

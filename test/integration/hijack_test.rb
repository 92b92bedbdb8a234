# frozen_string_literal: true

require "support/app_test"

# The connection in the app's hands: all of it, or from the end of the head on.
class HijackTest < AppTest
  def test_the_whole_connection
    server = serve(<<~'RUBY', lint: false)
      lambda do |env|
        io = env["rack.hijack"].call
        note([env.key?("rack.hijack_io") && io.equal?(env["rack.hijack_io"]), io.equal?(env["rack.hijack"].call)].inspect)
        io.write("HTTP/1.1 200 OK\r\n\r\nmine")
        io.close
        [500, {}, ["ignored"]]
      end
    RUBY
    2.times { assert_equal "HTTP/1.1 200 OK\r\n\r\nmine", talk(server, request("GET", "/")) }
    # Rack 3 has no rack.hijack_io.
    assert_equal [RACK < 3, true].inspect, notes.first
    refute_match(/ERROR/, server.log)
  end

  def test_within_the_rules
    server = serve(<<~'RUBY')
      lambda do |env|
        io = env["rack.hijack"].call
        io.write("HTTP/1.1 200 OK\r\n\r\nmine")
        io.flush
        io.close
        [200, { "content-type" => "text/plain" }, []]
      end
    RUBY
    2.times { assert_equal "HTTP/1.1 200 OK\r\n\r\nmine", talk(server, request("GET", "/")) }
    refute_match(/ERROR/, server.log)
  end

  # The worker goes on, and so does the connection: in a thread, for longer than the request.
  def test_longer_than_the_request
    server = serve(<<~'RUBY')
      lambda do |env|
        next [200, { "content-type" => "text/plain" }, ["other"]] unless env["PATH_INFO"] == "/hijack"
        io = env["rack.hijack"].call
        Thread.new do
          while (line = io.gets)
            io.write(line.upcase)
          end
          io.close
        end
        [200, { "content-type" => "text/plain" }, []]
      end
    RUBY
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/hijack", body: "came with the head\n"))
      assert_equal "CAME WITH THE HEAD\n", socket.gets
      assert_equal "other", fetch(server).content
      socket.write("later\n")
      assert_equal "LATER\n", socket.gets
      socket.close_write
      assert_nil socket.gets
    end
  end

  # What was received beyond the head is the hijacker's, all of it.
  def test_much_that_came_early
    server = serve(<<~'RUBY')
      lambda do |env|
        io = env["rack.hijack"].call
        rest = io.read(20_000)
        io.write("HTTP/1.1 200 OK\r\n\r\n#{rest.size} #{rest[0, 5]} #{rest[-5, 5]}")
        io.close
        [200, { "content-type" => "text/plain" }, []]
      end
    RUBY
    body = (0...20_000).map { |i| (97 + i % 26).chr }.join
    assert_equal "20000 abcde #{body[-5, 5]}", ask(server, post(body)).body
  end

  # No more of the body is received than is read; the rest belongs to the connection.
  def test_a_body_that_is_read_in_part
    ["rewindable_input true", "rewindable_input false"].each do |config|
      server = serve(<<~'RUBY', config: config)
        lambda do |env|
          first = env["rack.input"].read(3)
          io = env["rack.hijack"].call
          io.write("HTTP/1.1 200 OK\r\n\r\n#{first} #{io.read(4)}")
          io.close
          [200, { "content-type" => "text/plain" }, []]
        end
      RUBY
      assert_equal "abc defg", ask(server, post("abcdefg")).body, config
    end
  end

  # Whoever forgets the connection must not keep its client waiting for ever.
  def test_an_app_that_hijacks_and_raises
    server = serve(<<~'RUBY')
      lambda do |env|
        env["rack.hijack"].call.close
        raise "after the hijack"
      end
    RUBY
    assert_equal "", talk(server, request("GET", "/"))
    server.wait_for(/GET \/ failed: after the hijack/)
    assert_equal "", talk(server, request("GET", "/"))
  end

  def test_the_body_only
    server = serve(<<~'RUBY')
      lambda do |env|
        hijack = lambda do |io|
          io.write("raw\n")
          io.flush
          io.write(io.read(4).upcase) if env["REQUEST_METHOD"] == "GET"
          io.close
        end
        [200, { "content-type" => "text/plain", "rack.hijack" => hijack }, []]
      end
    RUBY
    reply = ask(server, request("GET", "/")) { |socket| socket.write("more") }
    assert_equal [200, "text/plain", nil, nil, "close"],
                 [reply.status, *%w[content-type transfer-encoding content-length connection].map { |name| reply[name] }]
    assert_nil reply["rack.hijack"]
    assert_equal "raw\nMORE", reply.body
    refute_match(/ERROR/, server.log)
  end

  def test_another_protocol
    server = serve(<<~'RUBY')
      lambda do |env|
        hijack = ->(io) { io.write(io.read(6).upcase); io.flush; io.close }
        [101, { "upgrade" => "shout", "connection" => "Upgrade", "rack.hijack" => hijack }, []]
      end
    RUBY
    reply = ask(server, request("GET", "/", "Connection: Upgrade", "Upgrade: shout", body: "hello\n"))
    assert_equal ["HTTP/1.1 101 Switching Protocols", "shout", "Upgrade", "HELLO\n"],
                 [reply.line, reply["upgrade"], reply["connection"], reply.body]
  end

  # Rack 3.1 has a header for it, and a body that is given the connection; the status is the server's business.
  def test_rack_protocol
    server = serve(<<~'RUBY', lint: Rack.release.to_f >= 3.1)
      lambda do |env|
        echo = ->(stream) { stream.write(stream.read(6).upcase); stream.flush; stream.close }
        [200, { "rack.protocol" => (env["rack.protocol"] || ["shout"]).first, "x-more" => "1" }, echo]
      end
    RUBY
    2.times do
      reply = ask(server, request("GET", "/", "Connection: Upgrade", "Upgrade: shout, murmur", body: "hello\n"))
      assert_equal ["HTTP/1.1 101 Switching Protocols", "HELLO\n"], reply.show(:line, :body)
      assert_equal ["shout", "Upgrade", "1", nil, nil, nil],
                   reply.show("upgrade", "connection", "x-more", "rack.protocol", "content-length", "transfer-encoding")
    end
    refute_match(/ERROR/, server.log)
  end

  # Such a body has no use for a connection: the client goes on with HTTP, as it may.
  def test_rack_protocol_with_another_body
    server = serve('->(_) { [200, { "rack.protocol" => "shout" }, ["text"]] }', lint: false)
    reply = ask(server, request("GET", "/", "Connection: Upgrade", "Upgrade: shout"))
    assert_equal [200, nil, nil, "text"], reply.show(:status, "upgrade", "rack.protocol", :body)
  end

  def test_a_length_of_the_apps_own
    server = serve(<<~'RUBY')
      lambda do |_|
        hijack = ->(io) { io.write("abc"); io.close }
        [200, { "content-type" => "text/plain", "content-length" => "3", "rack.hijack" => hijack }, []]
      end
    RUBY
    assert_equal %w[3 abc], fetch(server).show("content-length", :body)
  end

  def test_a_hijack_that_raises
    server = serve('->(_) { [200, { "content-type" => "text/plain", "rack.hijack" => ->(io) { io.close; raise "no" } }, []] }')
    assert_equal 200, fetch(server).status
    server.wait_for(/GET \/ failed: no/)
    assert_equal 200, fetch(server).status
  end
end

# frozen_string_literal: true

require "support/client_test"

# Events reach the client one by one: the app produces the second only when the client says that it has the first.
class ServerSentEventsTest < ClientTest
  # A body that is asked for its parts, and one that writes them when it likes (Rack 3).
  BODIES = { "each" => <<~'EACH', "call" => <<~'CALL' }.freeze
    class Events
      def each
        yield "data: first\n\n"
        yield "data: after #{File.read("gate")}\n\n"
      end
    end
    BODY = Events.new
  EACH
    BODY = lambda do |stream|
      stream << "data: first\n\n"
      stream << "data: after #{File.read("gate")}\n\n"
      stream.close
    end
  CALL

  RUBY = <<~'RUBY'
    Net::HTTP.get_response(URI(ARGV[0])) { |response| response.read_body { |piece| $stdout.syswrite(piece) } }
  RUBY

  PYTHON = <<~'PYTHON'
    import http.client, sys, urllib.parse
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(sys.argv[1]).netloc, timeout=30)
    connection.request("GET", "/", headers={"Accept": "text/event-stream"})
    response = connection.getresponse()
    for line in iter(response.readline, b""):
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
  PYTHON

  def clients(url)
    {
      "curl" => [program("curl"), "--silent", "--no-buffer", url],
      "an old curl" => [program("curl"), "--silent", "--no-buffer", "--http1.0", url],
      "Net::HTTP" => [RbConfig.ruby, "-rnet/http", "-e", RUBY, url],
      "Python" => [program("python3"), "-c", PYTHON, url]
    }
  end

  BODIES.each do |kind, body|
    define_method(:"test_events_of_#{kind}") do
      app = '->(_) { [200, { "content-type" => "text/event-stream", "cache-control" => "no-cache" }, BODY] }'
      # Rack 2's Lint knows bodies with `each` only.
      server = serve(app, setup: body, lint: kind == "each" || RACK >= 3)
      gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
      clients("http://127.0.0.1:#{server.port}/").each do |client, command|
        events = reading(*command) do |output|
          first = Array.new(2) { output.gets }
          File.write(gate, client)
          first + output.readlines
        end
        assert_equal ["data: first\n", "\n", "data: after #{client}\n", "\n"], events, client
      end
    end
  end

  # The app learns that nobody listens any more when it writes, and its body is closed.
  def test_a_client_that_leaves
    server = serve(<<~'RUBY', lint: false, setup: <<~'BODY')
      ->(env) { [200, { "content-type" => "text/event-stream" }, env["PATH_INFO"] == "/" ? Events.new : []] }
    RUBY
      class Events
        def each
          yield "data: first\n\n"
          File.read("gate")
          loop { yield "data: more\n\n" }
        end
        def close = note("closed")
      end
    BODY
    gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/"))
      socket.gets("data: first\n\n")
      reset(socket)
    end
    File.write(gate, "")
    assert_equal 200, fetch(server, "/next").status
    assert_equal ["closed"], notes
    refute_match(/ERROR/, server.log)
  end
end

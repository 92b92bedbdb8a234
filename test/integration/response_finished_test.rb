# frozen_string_literal: true

require "support/app_test"

# rack.response_finished (Rack 3) and rack.after_reply (Rack 2): what is to run when the client has its response.
class ResponseFinishedTest < AppTest
  def test_last_registered_first_called
    server = serve(<<~'RUBY')
      lambda do |env|
        env["rack.response_finished"] << ->(e, status, headers, error) { note([e.equal?(env), status, headers.to_a, error].inspect) }
        env["rack.after_reply"] << -> { note("after_reply") }
        env["rack.response_finished"] << proc { |_, status| note("proc #{status}") }
        [201, { "content-type" => "text/plain" }, ["made"]]
      end
    RUBY
    assert_equal "made", fetch(server).content
    fetch(server)
    assert_equal ["proc 201", "after_reply", '[true, 201, [["content-type", "text/plain"]], nil]'], notes.first(3)
  end

  # The client has all of it, and the connection is closed, before the callbacks begin; the body is closed then.
  def test_after_the_response
    File.mkfifo(File.join(@directory, "gate"))
    server = serve(<<~'RUBY')
      lambda do |env|
        env["rack.response_finished"] << ->(*) { File.read("gate"); note("finished") }
        body = ["parts"].each
        def body.close = note("closed")
        [200, { "content-type" => "text/plain" }, body]
      end
    RUBY
    assert_equal "parts", fetch(server).content
    assert_equal ["closed"], notes
    File.write(File.join(@directory, "gate"), "")
    second = Thread.new { fetch(server) }
    File.write(File.join(@directory, "gate"), "")
    second.join
    assert_equal %w[closed finished closed], notes.first(3)
  end

  # A callable is what answers `call`: it need not have an arity, nor even a method of that name.
  def test_callables
    server = serve(<<~'RUBY', setup: <<~'SETUP')
      lambda do |env|
        env["rack.response_finished"].push(Cleaner, Handler.new, Proxy.new, proc { |*all| note("splat #{all.size}") })
        [200, { "content-type" => "text/plain" }, []]
      end
    RUBY
      class Cleaner
        def self.call(env, status, headers, error) = note("class #{status}")
      end

      class Handler
        def call = note("object")
      end

      class Proxy
        def method_missing(name, *arguments) = note("proxy #{name} #{arguments.size}")
        def respond_to_missing?(*) = false
      end
    SETUP
    fetch(server)
    fetch(server)
    assert_equal ["splat 4", "proxy call 4", "object", "class 200"], notes.first(4)
  end

  def test_callbacks_that_raise
    server = serve(<<~'RUBY')
      lambda do |env|
        env["rack.response_finished"] << ->(*) { note("first") } << ->(*) { raise "second" } << ->(*) { throw :third } << ->(a) { a } << ->(*) { note("last") }
        [200, { "content-type" => "text/plain" }, ["fine"]]
      end
    RUBY
    2.times { assert_equal "fine", fetch(server).content }
    assert_equal %w[last first], notes.first(2)
    server.wait_for(/rack\.response_finished raised: wrong number of arguments/)
    server.wait_for(/rack\.response_finished raised: uncaught throw :third/)
    server.wait_for(/rack\.response_finished raised: second \(RuntimeError\)/)
  end

  def test_the_error
    server = serve(<<~'RUBY')
      lambda do |env|
        headers = { "content-type" => "text/plain" }
        env["rack.response_finished"] << ->(_, status, given, error) { note([status, given&.keys, error].inspect) }
        case env["PATH_INFO"]
        when "/raises" then raise "broken"
        when "/breaks" then [200, headers, Enumerator.new { |y| y << "some"; raise "later" }]
        when "/large" then [200, headers, Enumerator.new { |y| loop { y << "x" * 65_536 } }]
        when "/hijack" then env["rack.hijack"].call.close; [202, headers, []]
        else [200, headers, ["fine"]]
        end
      end
    RUBY
    %w[/raises /breaks].each { |path| fetch(server, path) }
    talk(server, request("GET", "/hijack"))
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/large"))
      socket.readpartial(1000)
      reset(socket)
    end
    fetch(server)
    assert_equal ["[nil, nil, #<RuntimeError: broken>]", '[200, ["content-type"], #<RuntimeError: later>]', '[202, ["content-type"], nil]'],
                 notes.first(3)
    assert_match(/\A\[200, \["content-type"\], #<Pitchfork::ClientShutdown: .+>\]\z/, notes[3])
  end

  def test_after_request_complete_comes_last
    config = <<~'RUBY'
      after_request_complete { |server, worker, env| File.write("notes", "complete #{worker.nr} #{worker.requests_count} #{env["PATH_INFO"]}\n", mode: "a") }
    RUBY
    server = serve('->(env) { env["rack.after_reply"] << -> { note("reply") }; raise "x" if env["PATH_INFO"] == "/raise"; ' \
                   '[200, { "content-type" => "text/plain" }, []] }', config: config)
    fetch(server, "/one")
    fetch(server, "/raise")
    fetch(server)
    assert_equal ["reply", "complete 0 0 /one", "reply", "complete 0 1 /raise"], notes.first(4)
  end
end

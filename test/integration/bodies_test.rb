# frozen_string_literal: true

require "support/app_test"

# What becomes of each kind of response body, on the wire and afterwards.
#
# The Lint of Rack 2 makes a body with `each` of all others.
class BodiesTest < AppTest
  LINTED = RACK >= 3

  # Notes when it is closed.
  COUNTED = <<~RUBY
    class Counted
      def initialize(name, parts)
        @name = name
        @parts = parts
      end

      def each(&block)
        @parts.each(&block)
      end

      def close
        note(@name)
      end
    end
  RUBY

  def test_an_array
    server = serve('->(_) { [200, { "content-type" => "text/plain" }, ["one ", "", "two"]] }', lint: LINTED)
    reply = fetch(server)
    assert_equal "HTTP/1.1 200 OK", reply.line
    assert_equal "text/plain", reply["content-type"]
    assert_equal "7", reply["content-length"]
    assert_equal "close", reply["connection"]
    assert_in_delta Time.now.to_i, Time.httpdate(reply["date"]).to_i, 5
    assert_equal "one two", reply.body
  end

  # More parts than one system call takes (IOV_MAX is 1024), and more bytes than a socket's buffer.
  def test_a_large_array
    server = serve("->(_) { [200, { 'content-type' => 'text/plain' }, Array.new(3000) { |i| i.to_s.rjust(2000) }] }", lint: LINTED)
    expected = Array.new(3000) { |i| i.to_s.rjust(2000) }.join
    assert fetch(server).body == expected
    slow = +"".b
    assert_empty(talk(server, request("GET", "/")) { |socket| slow << socket.readpartial(7777) until socket.eof? })
    assert Reply.parse(slow).body == expected
  end

  def test_an_array_of_many_encodings
    server = serve('->(_) { [200, { "content-type" => "text/plain" }, ["\u00e9", "\xff".b, "\u00fc".encode("UTF-16LE"), "a"]] }',
                   lint: LINTED)
    assert_equal "\xc3\xa9\xff\xfc\x00a".b, fetch(server).body
  end

  def test_parts_one_by_one
    server = serve('->(_) { [200, { "content-type" => "text/plain" }, Counted.new("each", ["one ", "", "two"])] }', setup: COUNTED)
    reply = fetch(server)
    assert_equal "chunked", reply["transfer-encoding"]
    assert_nil reply["content-length"]
    assert_equal "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n", reply.body

    old = ask(server, request("GET", "/", version: "1.0"))
    assert_nil old["transfer-encoding"]
    assert_equal "one two", old.body
    assert_equal "one two", fetch(server).content
    assert_equal %w[each each], notes.first(2)
  end

  def test_parts_with_a_length
    server = serve(<<~'RUBY', setup: COUNTED)
      ->(_) { [200, { "content-type" => "text/plain", "content-length" => "7" }, Counted.new("each", ["one ", "two"])] }
    RUBY
    reply = fetch(server)
    assert_equal [nil, "7", "one two"], [reply["transfer-encoding"], reply["content-length"], reply.body]
  end

  # A part may be changed by the app as soon as `each` gets it back.
  def test_one_string_for_all_parts
    server = serve(<<~'RUBY', setup: COUNTED)
      ->(_) { [200, { "content-type" => "text/plain" }, Enumerator.new { |y| s = +""; 3.times { |i| y << s.replace(i.to_s * 100_000) } }] }
    RUBY
    assert_equal (0..2).map { |i| i.to_s * 100_000 }.join, fetch(server).content
  end

  def test_to_ary
    setup = "#{COUNTED}\nclass Listed < Counted\ndef to_ary\n@parts\nensure\nclose\nend\nend"
    server = serve('->(_) { [200, { "content-type" => "text/plain" }, Listed.new("to_ary", ["one ", "two"])] }', setup: setup, lint: LINTED)
    reply = fetch(server)
    assert_equal %w[7 one\ two], [reply["content-length"], reply.body]
    fetch(server)
    assert_includes notes, "to_ary"
  end

  # Rack::BodyProxy passes to_ary on to what it wraps.
  def test_a_body_proxy
    server = serve(<<~'RUBY', setup: "require 'rack/body_proxy'")
      ->(_) { [200, { "content-type" => "text/plain" }, Rack::BodyProxy.new(["one"]) { note("proxy") }] }
    RUBY
    2.times { assert_equal "one", fetch(server).content }
    assert_equal "one", fetch(server).content
    assert_equal %w[proxy proxy], notes.first(2)
    assert_operator notes.size, :<=, 3
  end

  def test_no_body
    server = serve(<<~'RUBY', setup: COUNTED, lint: false)
      ->(env) do
        status = env["PATH_INFO"].delete("/").to_i
        body = env["QUERY_STRING"] == "array" ? ["no"] : Counted.new(status, ["no"])
        [status, { "etag" => "x", "content-length" => "2" }, body]
      end
    RUBY
    [204, 304].product(%w[array each]) do |status, kind|
      reply = fetch(server, "/#{status}?#{kind}")
      assert_equal [status, "x", nil, ""], [reply.status, reply["etag"], reply["transfer-encoding"], reply.body], kind
    end
    head = ask(server, request("HEAD", "/200?each"))
    assert_equal [200, "2", ""], [head.status, head["content-length"], head.body]
    assert_equal ["2", ""], ask(server, request("HEAD", "/200?array")).show("content-length", :body)
    assert_equal %w[204 304 200], notes
  end

  def test_each_body_is_closed_once
    server = serve(<<~'RUBY', setup: COUNTED, lint: false)
      ->(env) do
        name = env["PATH_INFO"].delete("/")
        parts =
          case name
          when "raises" then Enumerator.new { |y| y << "some"; raise "in the middle" }
          when "number" then ["some", 1]
          when "large" then Enumerator.new { |y| loop { y << "x" * 65_536 } }
          else ["some"]
          end
        headers = { "content-type" => "text/plain" }
        headers["x"] = "a\rb" if name == "header"
        headers["content-length"] = "2" if name == "short"
        headers["content-length"] = "9" if name == "long"
        [name == "status" ? "none" : 200, headers, Counted.new(name, parts)]
      end
    RUBY
    names = %w[fine raises number header short long status]
    names.each { |name| fetch(server, "/#{name}") }
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/large"))
      socket.readpartial(1000)
      reset(socket)
    end
    ask(server, request("HEAD", "/head"))
    fetch(server, "/last")
    assert_equal names + %w[large head], notes - ["last"]
  end

  def test_a_close_that_raises
    server = serve(<<~'RUBY')
      ->(_) { body = ["sent"].each; def body.close = raise("can't close"); [200, { "content-type" => "text/plain" }, body] }
    RUBY
    2.times { assert_equal "sent", fetch(server).content }
    server.wait_for(/closing the response body failed: can't close \(RuntimeError\)/)
  end

  def test_what_is_no_body
    server = serve('->(env) { [200, {}, env["PATH_INFO"] == "/nil" ? nil : "text"] }', lint: false)
    assert_equal [500, 500], [fetch(server, "/nil").status, fetch(server, "/string").status]
    server.wait_for(/a response body responds to each, call or to_path; got NilClass/)
    server.wait_for(/got String/)
  end
end

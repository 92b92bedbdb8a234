# frozen_string_literal: true

require "support/app_test"

# Status and fields of a response, in the forms that Rack 2 and Rack 3 apps give them.
class ResponseFieldsTest < AppTest
  # The app is an expression for its response; `env` is there.
  def serve_response(response, **options)
    serve("->(env) { #{response} }", **options)
  end

  def fields(reply)
    reply.fields.reject { |name, _| %w[Date Connection Content-Length Transfer-Encoding].include?(name) }
  end

  def test_several_values
    server = serve_response('[200, { "set-cookie" => "a=1\nb=2", "x" => "1" }, []]', lint: RACK == 2)
    assert_equal [%w[set-cookie a=1], %w[set-cookie b=2], %w[x 1]], fields(fetch(server)) - [["content-type", "text/plain"]]
  end

  def test_arrays_of_values
    server = serve_response('[200, { "set-cookie" => ["a=1", "b=2"], "x" => [], "y" => [""] }, []]', lint: RACK >= 3)
    assert_equal [%w[set-cookie a=1], %w[set-cookie b=2], ["y", ""]], fields(fetch(server))
  end

  # Rack 2 asks no more of headers than `each`.
  def test_headers_that_are_no_hash
    server = serve_response('[200, [["Set-Cookie", "a=1"], ["X", "1"], ["Set-Cookie", "b=2\nc=3"]], []]', lint: false)
    assert_equal [%w[Set-Cookie a=1], %w[Set-Cookie b=2], %w[Set-Cookie c=3], %w[X 1]], fields(fetch(server)).sort
    server = serve_response('[200, { "a" => "1", "b" => "2" }.each_pair, []]', lint: false)
    assert_equal [%w[a 1], %w[b 2]], fields(fetch(server)).sort
  end

  # Against the rules of every Rack, and in many apps.
  def test_values_that_are_no_strings
    server = serve_response('[200, { "X-Number" => 5, "X-Symbol" => :a, "X-Nil" => nil, "Content-Length" => 2 }, ["ok"].each]', lint: false)
    assert_equal [%w[X-Number 5], %w[X-Symbol a]], fields(fetch(server))
  end

  def test_frozen_headers
    server = serve_response('[200, { "x" => "1" }.freeze, ["frozen".freeze].freeze].freeze', lint: false)
    2.times do
      reply = fetch(server)
      assert_equal [[%w[x 1]], "frozen"], [fields(reply), reply.content]
    end
  end

  def test_values_of_many_encodings
    server = serve_response('[200, { "x" => "\u00e9", "y" => "\xff".b, "z" => "a\tb  c" }, []]', lint: false)
    assert_equal [["x", "\xc3\xa9".b], ["y", "\xff".b], ["z", "a\tb  c".b]], fields(fetch(server))
  end

  # A field that the client has put into a value must not end up as one of its own.
  def test_nothing_is_injected
    server = serve_response(<<~'RUBY', lint: false)
      begin
        name, value = [["x", "a\r\nInjected: 1"], ["x", "a\rInjected: 1"], ["x", "a\0"], ["x", ["a\r\nInjected: 1"]], ["x\r\nInjected", "1"],
                       ["x: 1\r\nInjected", "1"], ["x y", "1"], ["", "1"], ["set-cookie", "a=1\r\n\r\n<html>"]][env["QUERY_STRING"].to_i]
        [200, { "first" => "1", name => value }, ["body"]]
      end
    RUBY
    9.times do |i|
      reply = talk(server, request("GET", "/?#{i}"))
      assert_equal 500, Reply.parse(reply).status, i
      refute_match(/Injected|<html>|first/, reply)
      server.wait_for(/GET \/\?#{i} failed: response header ".*": field (name|value) /)
    end
    assert_equal 500, fetch(server).status, "the worker is still there"
  end

  # What concerns the connection is the server's.
  def test_hop_by_hop
    server = serve_response(<<~'RUBY', lint: false)
      [200, { "Connection" => "keep-alive", "Keep-Alive" => "5", "Trailer" => "x", "Upgrade" => "h2c", "rack.thing" => "1", "Date" => "mine" }, []]
    RUBY
    reply = fetch(server)
    assert_equal [%w[Connection close], %w[Content-Length 0], %w[Date mine]], reply.fields.sort
  end

  # Rack 2's Rack::Chunked makes chunks itself.
  def test_chunks_of_the_apps_own
    server = serve_response('[200, { "transfer-encoding" => "chunked" }, ["3\r\none\r\n", "0\r\n\r\n"].each]', lint: false)
    assert_equal "one", fetch(server).content
  end

  def test_the_status
    server = serve(<<~'RUBY', lint: false)
      ->(env) { [eval(env["HTTP_X_STATUS"]), {}, ["body"]] }
    RUBY
    {
      "200" => "200 OK", "'404'" => "404 Not Found", "418" => "418", "999" => "999", "Struct.new(:to_int).new(201)" => "201 Created",
      "nil" => "500", "'none'" => "500", "99" => "500", "1000" => "500", "-1" => "500", "2**70" => "500", ":ok" => "500"
    }.each do |status, expected|
      assert_match(/\AHTTP\/1\.1 #{expected}\b/, fetch(server, "/", "X-Status: #{status}").line, status)
    end
  end

  def test_what_is_no_response
    server = serve('->(env) { eval(env["HTTP_X_CODE"]) }', lint: false)
    ["nil", "[]", "200", "'text'", "[200]", "[200, nil, []]", "[200, 5, []]", "[200, {}, [1]]", "[200, { 'x' => Object.new }, []]",
     "[200, { nil => 'x' }, []]", "[200, {}, [nil]]"].each do |code|
      assert_equal 500, fetch(server, "/", "X-Code: #{code}").status, code
    end
    assert_equal 200, fetch(server, "/", "X-Code: [200, {}, []]").status
  end
end

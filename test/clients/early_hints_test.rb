# frozen_string_literal: true

require "support/client_test"

# Several 1xx in front of the final response (RFC 9110, section 15.2; 103: RFC 8297), as clients take them.
class EarlyHintsTest < ClientTest
  # Two fields of one name, as each Rack writes them.
  TWO = RACK >= 3 ? %w[a b] : "a\nb"

  APP = <<~RUBY
    lambda do |env|
      hints = env["rack.early_hints"]
      hints.call("link" => "</style.css>; rel=preload; as=style", "x-hint" => "first")
      body = env["rack.input"].read
      hints.call("link" => ["</one.js>; rel=preload", "</two.js>; rel=preload"], "x-hint" => #{TWO.inspect})
      [200, { "content-type" => "text/plain" }, ["body \#{body}"]]
    end
  RUBY

  FIRST = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload; as=style\r\nx-hint: first\r\n\r\n"
  SECOND = "HTTP/1.1 103 Early Hints\r\nlink: </one.js>; rel=preload\r\nlink: </two.js>; rel=preload\r\nx-hint: a\r\nx-hint: b\r\n\r\n"

  def before_setup
    super
    @server = serve(APP, config: "early_hints true")
    @url = "http://127.0.0.1:#{@server.port}/"
  end

  def test_curl
    heads = ->(*arguments) { curl("--include", *arguments, @url).out.partition("HTTP/1.1 200 OK\r\n").values_at(0, 2) }
    interim, rest = heads.call
    assert_equal [FIRST + SECOND, "body "], [interim, rest[/[^\n]*\z/]]
    interim, rest = heads.call("-H", "Expect: 100-continue", "-d", "sent")
    # The body is asked for when the app reads it.
    assert_equal ["#{FIRST}HTTP/1.1 100 Continue\r\n\r\n#{SECOND}", "body sent"], [interim, rest[/[^\n]*\z/]]
    assert_equal "", heads.call("--http1.0").first, "HTTP/1.0 knows no 1xx"
    assert_match(%r{^< HTTP/1\.1 103 Early Hints}, curl("-v", @url).err)
  end

  def test_net_http
    response = @server.get("/")
    assert_equal ["200", "body ", nil], [response.code, response.body, response["x-hint"]]
  end

  def test_only_when_asked_for
    server = serve('->(env) { [200, { "content-type" => "text/plain" }, [env.key?("rack.early_hints").inspect]] }')
    assert_equal "false", fetch(server).content
  end
end

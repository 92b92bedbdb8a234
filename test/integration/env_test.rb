# frozen_string_literal: true

require "json"
require "support/app_test"

# What the app learns about its request.
class EnvTest < AppTest
  # Answers with the part of env that is JSON.
  SHOW = <<~'RUBY'
    lambda do |env|
      shown = env.select { |_, value| value.is_a?(String) }.transform_values { |value| value.dup.force_encoding("UTF-8") }
      [200, { "content-type" => "application/json" }, [JSON.generate(shown)]]
    end
  RUBY

  def serve_env(**options)
    serve(SHOW, setup: "require 'json'", **options)
  end

  def env(server, bytes)
    JSON.parse(ask(server, bytes).content)
  end

  def test_a_request_line
    server = serve_env
    shown = env(server, request("GET", "/a%2Fb/..//c%20d?q=%C3%A9&r"))
    expected = {
      "REQUEST_METHOD" => "GET", "REQUEST_URI" => "/a%2Fb/..//c%20d?q=%C3%A9&r", "SCRIPT_NAME" => "",
      "PATH_INFO" => "/a%2Fb/..//c%20d", "QUERY_STRING" => "q=%C3%A9&r", "SERVER_PROTOCOL" => "HTTP/1.1",
      "HTTP_VERSION" => "HTTP/1.1", "SERVER_NAME" => "test", "SERVER_PORT" => "80", "HTTP_HOST" => "test",
      "REMOTE_ADDR" => "127.0.0.1", "rack.url_scheme" => "http", "SERVER_SOFTWARE" => "pitchfork"
    }
    assert_equal expected, shown
    assert_equal ["/\u00e9", "\u00fc"], env(server, request("GET", "/\u00e9?\u00fc")).values_at("PATH_INFO", "QUERY_STRING")
    assert_equal "", env(server, request("GET", "/?"))["QUERY_STRING"]
    assert_equal "PROPFIND", env(server, request("PROPFIND", "/"))["REQUEST_METHOD"]
    absolute = env(server, request("GET", "http://other:81/path?query"))
    assert_equal %w[/path query other 81 other:81],
                 absolute.values_at("PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST")
  end

  # Lint of Rack 2 knows no such path.
  def test_the_server_as_a_whole
    server = serve_env(lint: RACK >= 3)
    assert_equal "*", env(server, request("OPTIONS", "*"))["PATH_INFO"]
  end

  def test_the_host
    server = serve_env
    port = server.port.to_s
    { "a.example:81" => %w[a.example 81], "a.example" => %w[a.example 80], "[::1]:81" => %w[[::1] 81] }.each do |host, expected|
      assert_equal expected, env(server, "GET / HTTP/1.1\r\nHost: #{host}\r\n\r\n").values_at("SERVER_NAME", "SERVER_PORT"), host
    end
    assert_equal ["127.0.0.1", port, "HTTP/1.0", nil],
                 env(server, "GET / HTTP/1.0\r\n\r\n").values_at("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_HOST")
  end

  def test_the_fields
    server = serve_env
    shown = env(server, request("POST", "/", "X-One:  a ", "x-one:b", "X-ONE: c", "Cookie: a=1", "cookie: b=2", "X-Empty:",
                                "Content-Type: text/x", "Content-Length: 0", "X.Dot: d", "Accept: text/html;q=\"\u00e9\""))
    assert_equal "a, b, c", shown["HTTP_X_ONE"]
    assert_equal "a=1; b=2", shown["HTTP_COOKIE"]
    assert_equal "", shown["HTTP_X_EMPTY"]
    assert_equal %w[text/x 0], shown.values_at("CONTENT_TYPE", "CONTENT_LENGTH")
    assert_equal "text/html;q=\"\u00e9\"", shown["HTTP_ACCEPT"]
    assert_empty shown.keys.grep(/HTTP_CONTENT/)
  end

  # A proxy in front strips X-Forwarded-For of clients; it would arrive as the same key.
  def test_underscores
    shown = env(serve_env, request("GET", "/", "X_Forwarded_For: 1.2.3.4", "Content_Length: 5", "X-Forwarded-For: 5.6.7.8"))
    assert_equal "5.6.7.8", shown["HTTP_X_FORWARDED_FOR"]
    refute_includes shown, "HTTP_CONTENT_LENGTH"
    refute_includes shown, "CONTENT_LENGTH"
  end

  # What a client calls itself can't pass for what the server says.
  def test_no_field_reaches_a_key_without_http
    names = %w[REMOTE-ADDR Request-Method rack.url-scheme Script-Name Version]
    shown = env(serve_env, request("GET", "/", *names.map { |name| "#{name}: forged" }))
    assert_equal %w[HTTP_RACK.URL_SCHEME HTTP_REMOTE_ADDR HTTP_REQUEST_METHOD HTTP_SCRIPT_NAME],
                 (shown.select { |_, value| value == "forged" }.keys - ["HTTP_VERSION"]).sort
    assert_equal "HTTP/1.1", shown["HTTP_VERSION"]
  end

  def test_what_is_not_text
    server = serve(<<~'RUBY')
      lambda do |env|
        worker = env["pitchfork.worker"]
        facts = [
          env["rack.errors"].respond_to?(:puts), env["rack.hijack?"], env["rack.multithread"], env["rack.multiprocess"],
          env["rack.run_once"], worker.nr, worker.generation, worker.pid == Process.pid, worker.requests_count, env.frozen?
        ]
        env["rack.logger"].info("said by the app")
        env["rack.errors"].puts("written by the app")
        [200, { "content-type" => "text/plain" }, [facts.inspect]]
      end
    RUBY
    2.times { |count| assert_equal [true, true, false, true, false, 0, 0, true, count, false].inspect, fetch(server).content }
    server.wait_for(/INFO -- : said by the app/)
    server.wait_for(/^written by the app/)
  end

  # The app may keep an env and do with it what it likes: neither it nor a later request notices.
  def test_an_env_that_is_kept
    server = serve(<<~'RUBY', setup: "$kept = nil\nrequire 'timeout'", lint: false)
      lambda do |env|
        if $kept
          note($kept["REQUEST_URI"])
          note($kept.keys.size == env.keys.size)
          note((Timeout.timeout(5) { $kept["rack.input"].read } rescue $!.class))
          note(($kept["rack.hijack"].call rescue $!.class))
          $kept.each_value { |value| value.replace("spoilt") if value.is_a?(String) && !value.frozen? }
          $kept.clear
        end
        $kept = env
        [200, { "content-type" => "text/plain" }, [env["REQUEST_METHOD"], env["PATH_INFO"], env["SCRIPT_NAME"], env["SERVER_NAME"]]]
      end
    RUBY
    3.times { |i| assert_equal "POST/#{i}test", ask(server, post("body", target: "/#{i}")).content }
    assert_equal ["/0", "true", "Pitchfork::ClientShutdown", "Pitchfork::Error", "/1", "true"], notes.first(6)
  end
end

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

  # Rack has had room for it in PATH_INFO since 3.1.
  def test_the_server_as_a_whole
    shown = env(serve_env, request("OPTIONS", "*"))
    assert_equal [Rack.release.to_f >= 3.1 ? "*" : "", "*"], shown.values_at("PATH_INFO", "REQUEST_URI")
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
          env["rack.hijack?"], env["rack.multithread"], env["rack.multiprocess"], env["rack.run_once"],
          worker.nr, worker.generation, worker.pid == Process.pid, worker.requests_count, env.frozen?
        ]
        env["rack.logger"].info("said by the app")
        env["rack.errors"].puts(:"put by the app")
        env["rack.errors"].write("written by the app\n")
        env["rack.errors"].flush
        [200, { "content-type" => "text/plain" }, [facts.inspect]]
      end
    RUBY
    about_processes = RACK < 3 ? [false, true, false] : [nil, nil, nil]
    2.times { |count| assert_equal [true, *about_processes, 0, 0, true, count, false].inspect, fetch(server).content }
    server.wait_for(/INFO -- : said by the app/)
    server.wait_for(/^put by the app/)
    server.wait_for(/^written by the app/)
  end

  # The app may keep an env and do with it what it likes: neither it nor a later request notices.
  def test_an_env_that_is_kept
    server = serve(<<~'RUBY', setup: "$kept = nil\nrequire 'timeout'")
      lambda do |env|
        if $kept
          note($kept["REQUEST_URI"])
          note((env.keys - $kept.keys).inspect)
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
    assert_equal ["/0", "[]", "IOError", "Pitchfork::Error", "/1", "[]"], notes.first(6)
  end

  # A thousand at once, over garbage collections, with bodies of all kinds: nothing in them changes, and nothing but memory
  # is held.
  def test_many_envs_that_are_kept
    server = serve(<<~'RUBY', setup: "require 'digest'\n$kept = []", config: "client_body_buffer_size 100")
      lambda do |env|
        digest = ->(e) { e.select { |_, value| String === value }.hash }
        if env["PATH_INFO"] == "/look"
          GC.start
          GC.compact if GC.respond_to?(:compact)
          same = $kept.count { |kept, before| digest[kept] == before }
          closed = $kept.count { |kept, _| (kept["rack.input"].read(1) rescue $!.class) == (kept["CONTENT_LENGTH"] ? IOError : nil) }
          over = $kept.count { |kept, _| (kept["rack.hijack"].call rescue $!.message) == "the connection is closed or hijacked already" }
          files = Dir["/proc/self/fd/*"].count { |fd| (File.readlink(fd) rescue "").match?(/socket|deleted/) }
          next [200, { "content-type" => "text/plain" }, [[same, closed, over, files].join(" ")]]
        end
        env["rack.input"].read if env["PATH_INFO"].end_with?("1")
        $kept << [env, digest[env]] unless env["PATH_INFO"] == "/warm"
        [200, { "content-type" => "text/plain" }, [Dir["/proc/self/fd/*"].count { |fd| (File.readlink(fd) rescue "").match?(/socket|deleted/) }.to_s]]
      end
    RUBY
    files = fetch(server, "/warm").content
    1000.times { |i| i.even? ? fetch(server, "/#{i}?#{i}", "X-Number: #{i}") : ask(server, post("x" * i, target: "/#{i}")) }
    assert_equal "1000 1000 1000 #{files}", fetch(server, "/look").content
  end

  # Keys cost nothing, and values may be changed.
  def test_strings
    server = serve(<<~'RUBY')
      lambda do |env|
        keys = env.keys.reject { |key| key.start_with?("rack.lint") }
        changed = %w[REQUEST_URI PATH_INFO QUERY_STRING HTTP_X_NEW HTTP_COOKIE].map { |key| (env[key] << "!").encoding.to_s }
        unlike = env.reject { |key, value| key.include?(".") || (String === value && (value.ascii_only? || value.encoding == Encoding::BINARY)) }
        [200, { "content-type" => "text/plain" }, [[keys.all?(&:frozen?), keys.reject { |key| key.equal?(-key.dup) }, changed.uniq, unlike].inspect]]
      end
    RUBY
    bytes = request("GET", "/\u00e9?\u00e9", "X-New: \u00e9", "Cookie: \xff")
    assert_equal '[true, [], ["ASCII-8BIT"], {}]', ask(server, bytes).content
  end
end

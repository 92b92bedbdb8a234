# frozen_string_literal: true

require "digest"
require "json"
require "support/proxy_test"

# What passes through nginx, in both directions.
class NginxTest < ProxyTest
  # @return [Hash] what /env says
  def seen(*arguments, scheme: "http")
    JSON.parse(ask_nginx(*arguments, path: "/env", scheme: scheme), symbolize_names: true)
  end

  KINDS.each do |words, kind|
    define_method(:"test_requests_over_#{words.tr(" ", "_")}") do
      behind_nginx(kind)
      large = Random.new(1).bytes(9_000_000).tap { |bytes| write("large", bytes) }
      digest = Digest::MD5.hexdigest(large)
      assert_equal "GET /a//b%20c?d=%2f", ask_nginx(path: "/a//b%20c?d=%2f")
      assert_equal "POST /form", ask_nginx("-d", "a=1", path: "/form")
      assert_match(%r{\AHTTP/1\.1 200 OK\r.*\r\n\r\n\z}m, ask_nginx("--head", path: "/page"))
      assert_equal digest, ask_nginx("-T", "large", path: "/digest")
      assert_equal digest, ask_nginx("-T", "large", "-H", "Transfer-Encoding: chunked", path: "/digest")
      assert_equal "20000000", ask_nginx("-o", "/dev/null", "-w", "%{size_download}", path: "/large")
      assert_equal "200", ask_nginx("-o", "/dev/null", "-w", "%{http_code}", path: "/cookies")
      assert_equal "a file\n", ask_nginx(path: "/file.txt")
      assert_equal "the app's own", ask_nginx(path: "/error")
      refute_match(/ERROR|WARN/, @server.log)
    end

    define_method(:"test_who_asks_over_#{words.tr(" ", "_")}") do
      behind_nginx(kind)
      plain = { scheme: "http", https: nil, url: @nginx.url("/env"), ip: "127.0.0.1", peer: "127.0.0.1",
                forwarded: { HTTP_X_FORWARDED_FOR: "127.0.0.1", HTTP_X_FORWARDED_PROTO: "http" }, connection: "close" }
      lies = ["Forwarded: for=192.0.2.1;proto=https;host=evil.example", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: evil.example",
              "X-Forwarded-Port: 1", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Scheme: https",
              "X_Forwarded_Proto: https"].flat_map { |field| ["-H", field] }
      assert_equal plain, seen
      assert_equal plain, seen(*lies)
      secure = plain.merge(scheme: "https", https: "on", url: @nginx.url("/env", "https"),
                           forwarded: { HTTP_X_FORWARDED_FOR: "127.0.0.1", HTTP_X_FORWARDED_PROTO: "https" })
      assert_equal secure, seen(scheme: "https")
      assert_equal secure, seen(*lies, scheme: "https")
      assert_equal "https://example.org/env", seen("-H", "Host: example.org", scheme: "https")[:url]
    end

    define_method(:"test_streams_over_#{words.tr(" ", "_")}") do
      behind_nginx(kind)
      gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
      events = reading(program("curl"), "--silent", "--no-buffer", @nginx.url("/events")) do |output|
        first = Array.new(2) { output.gets }
        File.write(gate, "the first")
        first + output.readlines
      end
      assert_equal ["data: first\n", "\n", "data: after the first\n", "\n"], events
      TCPSocket.open("127.0.0.1", @nginx.port) do |io|
        _, socket = WebSocket.open(io, host: "example.org", path: "/socket")
        ["Grüße", "a" * 200_000].each do |text|
          socket.transmit(WebSocket::FINAL | WebSocket::TEXT, text.b)
          assert_equal [WebSocket::FINAL | WebSocket::TEXT, text.b], socket.receive
        end
      end
    end
  end

  # nginx's limit, and where nginx has none the server's.
  def test_uploads_that_are_too_large
    behind_nginx(:unix)
    file = sparse_file(11 * 1024 * 1024)
    status = ["-o", "answer", "-w", "%{http_code}"]
    assert_equal "413", ask_nginx(*status, "-T", file, path: "/digest")
    assert_match(/nginx/, File.read(File.join(@directory, "answer")))
    assert_equal "413", ask_nginx(*status, "-T", file, path: "/upload")
    refute_match(/nginx/, File.read(File.join(@directory, "answer")))
  end

  # The app has the first bytes before the client sends the next ones.
  def test_uploads_that_are_read_while_they_come
    behind_nginx(:unix, more: "rewindable_input false")
    gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
    TCPSocket.open("127.0.0.1", @nginx.port) do |io|
      io.write("POST /upload HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc")
      assert_equal "abc", File.read(gate)
      io.write("def")
      assert_match(/abc, then def\z/, io.read)
    end
  end

  def test_a_client_without_a_host
    behind_nginx(:unix)
    [["HTTP/1.0\r\n", 400], ["HTTP/1.0\r\nHost: a\r\n", 200]].each do |rest, status|
      reply = TCPSocket.open("127.0.0.1", @nginx.port) do |io|
        io.write("GET / #{rest}\r\n")
        io.read
      end
      assert_match(%r{\AHTTP/1\.1 #{status} }, reply)
    end
  end
end

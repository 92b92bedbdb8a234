# frozen_string_literal: true

require "support/app_test"

# Requests as they come: methods, versions, several at once.
class MethodsTest < AppTest
  ECHO = <<~'RUBY'
    ->(env) { [200, { "content-type" => "text/plain" }, ["#{env["REQUEST_METHOD"]} #{env["rack.input"]&.read}"]] }
  RUBY

  def test_methods
    server = serve(ECHO)
    assert_equal "GET ", fetch(server).content
    %w[POST PUT PATCH DELETE QUERY].each do |method|
      assert_equal "#{method} body", ask(server, request(method, "/", "Content-Length: 4", body: "body")).content
    end
    %w[OPTIONS TRACE REPORT].each { |method| assert_equal "#{method} ", ask(server, request(method, "/")).content }
    assert_equal [200, ""], ask(server, request("HEAD", "/")).show(:status, :body)
    assert_equal "GET body", ask(server, request("GET", "/", "Content-Length: 4", body: "body")).content
  end

  def test_one_request_a_connection
    server = serve(ECHO)
    reply = ask(server, request("GET", "/", "Connection: keep-alive") * 2)
    assert_equal ["close", "GET "], [reply["connection"], reply.content]
    old = ask(server, request("GET", "/", "Connection: keep-alive", version: "1.0"))
    assert_equal ["HTTP/1.1 200 OK", "close"], [old.line, old["connection"]]
  end

  def test_many_at_once
    server = serve(ECHO, config: "worker_processes 2")
    replies = Array.new(8) do |thread|
      Thread.new { Array.new(25) { |i| ask(server, post("#{thread}-#{i}")).content == "POST #{thread}-#{i}" } }
    end
    assert_equal [true], replies.flat_map(&:value).uniq
  end

  def test_a_head_in_pieces
    server = serve(ECHO)
    reply = ask(server, "") do |socket|
      socket.setsockopt(:TCP, :NODELAY, true)
      request("POST", "/#{"a" * 100}", "X: #{"b" * 100}", "Content-Length: 4", body: "body").each_char { |byte| socket.write(byte) }
    end
    assert_equal "POST body", reply.content
  end

  # Larger than what is received at once.
  def test_a_large_head
    server = serve('->(env) { [200, { "content-type" => "text/plain" }, [env.count { |key, _| key.start_with?("HTTP_X_") }.to_s]] }')
    fields = Array.new(60) { |i| "X-#{i}: #{"v" * 1000}" }
    assert_equal "60", fetch(server, "/", *fields).content
  end
end

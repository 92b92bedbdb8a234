# frozen_string_literal: true

require "support/app_test"

# X-Forwarded-Proto decides about the scheme only when it comes from a peer that is trusted.
class TrustedProxiesTest < AppTest
  APP = <<~'RUBY'
    ->(env) { [200, { "content-type" => "text/plain" }, [env.values_at("rack.url_scheme", "HTTPS", "SERVER_NAME", "SERVER_PORT").inspect]] }
  RUBY

  HTTP = ["http", nil, "test", "80"].inspect
  HTTPS = ["https", "on", "test", "443"].inspect

  CASES = {
    [] => HTTP,
    ["X-Forwarded-Proto: https"] => HTTPS,
    ["X-Forwarded-Proto: http"] => HTTP,
    ["X-Forwarded-Proto: http, https"] => HTTPS,
    ["X-Forwarded-Proto: https, http"] => HTTP,
    ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"] => HTTP,
    ["X-Forwarded-Proto: nonsense"] => HTTP,
    ["X-Forwarded-Ssl: on"] => HTTPS,
    ["X-Forwarded-Scheme: https"] => HTTPS,
    ["X_Forwarded_Proto: https"] => HTTP,
    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: other:1"] => HTTP
  }.freeze

  def assert_seen(expected, server, *fields, &ask)
    content = ask ? Reply.parse(ask.call(request("GET", "/", *fields))).content : fetch(server, "/", *fields).content
    assert_equal expected, content, fields.inspect
  end

  # One after the other: what one request says is forgotten with it.
  def test_a_trusted_network
    server = serve(APP, config: "trusted_proxies ['192.0.2.7', '127.0.0.0/8']")
    CASES.each { |fields, expected| assert_seen(expected, server, *fields) }
    reply = ask(server, "GET / HTTP/1.1\r\nHost: test:8443\r\nX-Forwarded-Proto: https\r\n\r\n")
    assert_equal ["https", "on", "test", "8443"].inspect, reply.content
  end

  def test_others_are_not_believed
    ["", "trusted_proxies ['192.0.2.0/24', '::1', :unix]"].each do |config|
      server = serve(APP, config: config)
      CASES.each_key { |fields| assert_seen(HTTP, server, *fields) }
    end
  end

  def test_who_reaches_a_unix_socket
    path = File.join(@directory, "s.sock")
    { "trusted_proxies [:unix]" => HTTPS, "trusted_proxies ['127.0.0.1']" => HTTP }.each do |config, expected|
      server = serve(APP, config: "#{config}\nlisten '#{path}'")
      over_unix = lambda do |bytes|
        UNIXSocket.open(path) { |socket| socket.write(bytes) && socket.read }
      end
      assert_seen(expected, server, "X-Forwarded-Proto: https", &over_unix)
      server.stop
    end
  end
end

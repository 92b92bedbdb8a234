# frozen_string_literal: true

require "support/shared_server_test"
require "support/http_cases"
require "support/echo"

# Every request of test/http/cases: what the app sees of it, what the client gets, and how the connection ends.
class RequestsTest < SharedServerTest
  serves "Echo.linted", setup: Echo::SETUP, lint: false, config: <<~RUBY
    require "logger"
    logger Logger.new($stderr, level: :debug)
  RUBY

  # Sent byte by byte, a longer one takes its time and shows nothing new; and what comes behind a request would be a race
  # with the end of the connection.
  SLOWLY = ->(request) { request.bytes.bytesize < 3000 && !request.rest }

  HttpCases.all.each do |request|
    define_method("test_#{request}") { check(request) }
    define_method("test_#{request}, byte by byte") { check(request, dribble: true) } if SLOWLY[request]
  end

  def check(request, dribble: false)
    reply, ending = exchange(request.bytes, ends: request.ends, dribble: dribble)
    # What the client has sent after it was refused may meet a reset, behind the answer.
    assert_equal :fin, ending unless dribble && request.refused?
    return assert_nil reply if request.status.nil?

    assert_equal request.status, reply.status
    assert_equal "close", reply["connection"]
    assert_equal Integer(reply["content-length"], 10), reply.body.bytesize, "there is one response, and all of it" if length?(request)
    request.refused? ? assert_refused(request, reply) : assert_seen(request.seen, reply)
  end

  def assert_seen(expected, reply)
    return if expected.empty?

    seen = Echo.seen(reply.content)
    expected.each { |key, value| assert_equal [key, value.is_a?(String) ? value.b : value], [key, seen[key]] }
  end

  def assert_refused(request, reply)
    assert_equal %w[Content-Type Date Connection Content-Length], reply.fields.map(&:first)
    assert_equal "#{reply.line[/ \d{3} (.*)/, 1]}\n", reply.body, "the status is all that is told"
    shared.wait_for(/refused a request from 127\.0\.0\.1: #{request.status}, .*#{request.reason}/) if request.reason
  end

  # Whether the body has the length that the response tells. That of HEAD has none, and behind a 2xx to CONNECT there is a
  # tunnel (RFC 9110, 9.3.6).
  def length?(request)
    request.refused? || !request.bytes.start_with?("HEAD ", "CONNECT ")
  end
end

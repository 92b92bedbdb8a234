# frozen_string_literal: true

require "support/app_test"

# A Content-Length that is not the body's: the client must not take what follows for something else.
class WrongLengthsTest < AppTest
  APP = <<~'RUBY'
    ->(env) { [200, { "content-length" => env["QUERY_STRING"] }, env["PATH_INFO"] == "/array" ? ["12345"] : ["123", "45"].each] }
  RUBY

  def test_the_body_is_longer
    server = serve(APP, lint: false)
    assert_equal %w[4 1234], fetch(server, "/each?4").show("content-length", :body)
    server.wait_for(%r{GET /each\?4 failed: the response body is longer than its Content-Length; the rest is not sent})
    assert_equal "12345", fetch(server, "/each?5").body
  end

  def test_the_body_is_shorter
    server = serve(APP, lint: false)
    assert_equal %w[6 12345], fetch(server, "/each?6").show("content-length", :body)
    server.wait_for(%r{GET /each\?6 failed: the response body is 1 bytes shorter than its Content-Length})
    assert_equal "12345", fetch(server, "/each?5").body
  end

  def test_an_array_is_measured
    server = serve(APP, lint: false)
    %w[4 6].each { |length| assert_equal %w[5 12345], fetch(server, "/array?#{length}").show("content-length", :body) }
  end

  def test_no_number
    server = serve(APP, lint: false)
    ["", "-1", "0x5", "5,5"].each { |length| assert_equal 500, fetch(server, "/each?#{length}").status, length }
    server.wait_for(/response header "content-length": Content-Length is not a decimal number/)
  end

  def test_the_stream_of_the_app
    server = serve('->(_) { [200, { "content-length" => "3" }, ->(stream) { stream << "12" << "34" }] }', lint: false)
    assert_equal "123", fetch(server).body
    server.wait_for(/the response body is longer than its Content-Length/)
  end
end

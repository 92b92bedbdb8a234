# frozen_string_literal: true

require "support/shared_server_test"

# Expect: 100-continue (RFC 9110, 10.1.1): the client is asked for its body when the app wants it, and only then.
class ExpectTest < SharedServerTest
  # What the path says happens, in its order.
  serves <<~'RUBY', config: "client_body_max_size 10"
    lambda do |env|
      did = env["PATH_INFO"].delete("/").split(",").map { |length| env["rack.input"].read(Integer(length, 10)).inspect }
      [200, { "content-type" => "text/plain" }, [did.join(" ")]]
    end
  RUBY

  CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"
  EXPECT = "Expect: 100-continue"

  def test_asked_when_the_app_reads
    {
      "Content-Length: 5" => "hello", "Transfer-Encoding: chunked" => "5\r\nhello\r\n0\r\n\r\n"
    }.each do |field, body|
      Wire.open(shared.port) do |wire|
        wire.write(request("POST", "/9", field, EXPECT))
        assert_equal CONTINUE, wire.read_until("\r\n\r\n"), field
        wire.write(body)
        answer, ending = wire.finish
        assert_equal ["HTTP/1.1 200 OK", "\"hello\"", :fin], [*Reply.parse(answer).show(:line, :content), ending], field
      end
    end
  end

  def test_asked_once
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/2,2", "Content-Length: 4", EXPECT))
      assert_equal CONTINUE, wire.read_until("\r\n\r\n")
      wire.write("ab")
      wire.write("cd")
      assert_equal "\"ab\" \"cd\"", Reply.parse(wire.finish.first).content
    end
  end

  # No answer has a 100 in front; the connection ends behind it.
  {
    "an app that does not read" => ["POST", "/", "1.1", "Content-Length: 5", EXPECT, ""],
    "a body that is here already" => ["POST", "/9", "1.1", "Content-Length: 5", EXPECT, "hello"],
    "a chunked body that is here already" => ["POST", "/9", "1.1", "Transfer-Encoding: chunked", EXPECT, "5\r\nhello\r\n0\r\n\r\n"],
    "HTTP/1.0" => ["POST", "/", "1.0", "Content-Length: 5", EXPECT, ""],
    "no body" => ["POST", "/9", "1.1", "X: 1", EXPECT, ""],
    "a body of no bytes" => ["POST", "/9", "1.1", "Content-Length: 0", EXPECT, ""],
    "another expectation" => ["POST", "/9", "1.1", "Content-Length: 5", "Expect: more", "hello"]
  }.each do |name, (method, target, version, length, expect, body)|
    define_method("test_no_100_for_#{name.tr(" /.", "_")}") do
      reply, ending = exchange(request(method, target, length, expect, body: body, version: version))
      assert_equal [200, :fin], [reply.status, ending]
      assert_equal "\"hello\"", reply.content unless body.empty?
    end
  end

  def test_the_value_is_case_insensitive
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/9", "Content-Length: 2", "expect: 100-CONTINUE"))
      assert_equal CONTINUE, wire.read_until("\r\n\r\n")
      wire.write("hi")
      assert_equal "\"hi\"", Reply.parse(wire.finish.first).content
    end
  end

  # The client has not sent it, and is spared from doing so.
  def test_no_100_for_what_is_too_large
    reply, ending = exchange(request("POST", "/9", "Content-Length: 11", EXPECT))
    assert_equal [413, :fin], [reply.status, ending]
  end

  def test_a_client_that_leaves_when_it_is_asked
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/9", "Content-Length: 5", EXPECT))
      assert_equal CONTINUE, wire.read_until("\r\n\r\n")
      wire.close_write
      answer, ending = wire.finish
      assert_equal [400, :fin], [Reply.parse(answer).status, ending]
    end
  end
end

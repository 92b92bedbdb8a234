# frozen_string_literal: true

require "support/app_test"
require "support/wire"

# Bytes that arrive behind a request while the app works on it: a pipelined request, or the CRLF that old clients send behind
# a body (RFC 9112, 2.2 and 9.6). Closing a connection on which they lie unread would reset it, and the answer with it.
class LateBytesTest < AppTest
  APP = <<~'RUBY'
    lambda do |env|
      env["rack.input"]&.read
      File.read("gate")
      [200, { "content-type" => "text/plain" }, ["fine"]]
    end
  RUBY

  def test_the_answer_arrives
    server = serve(APP)
    gate = File.join(@directory, "gate").tap { |path| File.mkfifo(path) }
    [
      [request("GET", "/"), request("GET", "/second")], [post("body"), "\r\n"], [request("GET", "/", version: "1.0"), "x"],
      [request("POST", "/", "Transfer-Encoding: chunked", body: "0\r\n\r\n"), "x" * 100_000]
    ].each do |bytes, late|
      Wire.open(server.port) do |wire|
        wire.write(bytes)
        working = File.open(gate, "w") # opened when the app has opened it, too
        wire.write(late)
        working.close
        answer, ending = wire.finish
        assert_equal :fin, ending, bytes
        assert_equal [200, "fine"], Reply.parse(answer).show(:status, :content)
      end
    end
  end
end

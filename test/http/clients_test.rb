# frozen_string_literal: true

require "support/shared_server_test"

# Clients that come and go, many at once, or without sense: the worker goes on.
class ClientsTest < SharedServerTest
  serves <<~'RUBY'
    lambda do |env|
      fields = env.count { |key, _| key.start_with?("HTTP_X_") }
      [200, { "content-type" => "text/plain" }, ["#{env["rack.input"]&.read} #{fields}"]]
    end
  RUBY

  def after_teardown
    assert_equal " 0", exchange(request("GET", "/")).first.content
    super
  end

  def test_clients_that_come_and_go
    50.times { Wire.open(shared.port) { |wire| wire } }
    50.times { Wire.open(shared.port, &:reset) }
    ["G", request("GET", "/"), request("POST", "/", "Content-Length: 9", body: "half"), "nonsense\r\n\r\n"].each do |bytes|
      10.times do
        Wire.open(shared.port) do |wire|
          wire.write(bytes)
          wire.reset
        end
      end
    end
  end

  def test_many_at_once
    answers = Array.new(8) do |thread|
      Thread.new { Array.new(25) { |i| exchange(post("#{thread}-#{i}")).first.content == "#{thread}-#{i} 0" } }
    end
    assert_equal [true], answers.flat_map(&:value).uniq
  end

  # Larger than what is received at once.
  def test_a_large_head
    fields = Array.new(60) { |i| "X-#{i}: #{"v" * 1000}" }
    assert_equal " 60", exchange(request("GET", "/", *fields)).first.content
  end

  # Whatever comes is refused or dropped, and nothing of it is taken for a request.
  def test_bytes_without_sense
    random = Random.new(7)
    starts = ["", "GET ", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"]
    200.times do |i|
      bytes = "#{starts[i % 4]}#{random.bytes(random.rand(1..2000))}\r\n\r\n"
      reply, = exchange(bytes, ends: true)
      assert_includes [nil, 400, 414, 431, 505], reply&.status, bytes
    end
  end

  # Good requests with one byte changed, left out or doubled: the answer is one that there is.
  def test_bytes_with_a_mistake
    random = Random.new(8)
    requests = [post("body", "X: 1"), request("POST", "/a?b", "Transfer-Encoding: chunked", body: "4;a=b\r\nbody\r\n0\r\nX: 1\r\n\r\n")]
    400.times do |i|
      bytes = requests[i % 2].b
      at = random.rand(bytes.bytesize)
      case i % 3
      when 0 then bytes.setbyte(at, random.rand(256))
      when 1 then bytes.slice!(at)
      else bytes.insert(at, bytes[at])
      end
      reply, = exchange(bytes, ends: true)
      assert_includes [nil, 200, 400, 505], reply&.status, bytes
    end
  end
end

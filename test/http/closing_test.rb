# frozen_string_literal: true

require "support/shared_server_test"

# The end of a connection (RFC 9112, 9.6): the client gets all that was sent to it, whatever it does meanwhile, and nobody
# else has to wait for it.
class ClosingTest < SharedServerTest
  serves <<~'RUBY'
    lambda do |env|
      body = env["PATH_INFO"] == "/read" ? env["rack.input"].read : "fine"
      [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
    end
  RUBY

  REFUSED = "nonsense\r\n\r\n"

  def fine
    request("GET", "/")
  end

  # "A server that does not wish to keep the connection MUST send the close option" (9.6), and then it closes.
  def test_closed_on_both_sides
    [fine, fine.sub("1.1", "1.0"), post("body", target: "/read")].each do |bytes|
      Wire.open(shared.port) do |wire|
        wire.write(bytes)
        answer, ending = wire.finish
        assert_equal [200, "close", :fin], [*Reply.parse(answer).show(:status, "connection"), ending]
        # The first byte is answered by a reset, the next one finds it.
        wire.socket.wait_readable(Wire::PATIENCE) while wire.write("x")
      end
    end
  end

  # Some clients end their side as soon as they have asked.
  def test_a_client_that_ends_its_side
    [[fine, 200], [post("body", target: "/read"), 200], [REFUSED, 400]].each do |bytes, status|
      reply, ending = exchange(bytes, ends: true)
      assert_equal [status, :fin], [reply.status, ending]
    end
  end

  # A reset, which unread bytes would cause, could destroy the answer on its way.
  def test_unread_bytes
    [fine, REFUSED, post("", target: "/read")].each do |bytes|
      reply, ending = exchange(bytes + ("x" * 300_000))
      assert_includes [200, 400], reply.status
      assert_equal [reply["content-length"].to_i, :fin], [reply.body.bytesize, ending]
    end
  end

  def test_an_unread_body
    ["Content-Length: 1000000", "Transfer-Encoding: chunked"].each do |field|
      body = field.include?("chunked") ? "f4240\r\n#{"x" * 1_000_000}\r\n0\r\n\r\n" : "x" * 1_000_000
      reply, ending = exchange(request("POST", "/", field, body: body))
      assert_equal ["fine", :fin], [reply.body, ending]
    end
  end

  # Nobody waits for a client that has its answer and stays, with or without a body of which more could come.
  def test_clients_that_stay
    [fine, post("body", target: "/read"), request("POST", "/", "Content-Length: 9", body: "more"), REFUSED].each do |bytes|
      Wire.open(shared.port) do |wire|
        wire.write(bytes)
        wire.finish
        assert_equal "fine", exchange(fine).first.body
        assert_equal "fine", exchange(fine).first.body
      end
    end
  end

  # What it sends is read and dropped beside the work, for a while.
  def test_a_client_that_goes_on_sending
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/", "Content-Length: 100000000000"))
      sender = Thread.new { nil while wire.write("x" * 65_536) }
      wire.await("\r\n\r\nfine")
      20.times { assert_equal "fine", exchange(fine).first.body }
      assert sender.alive?
    ensure
      sender&.kill&.join
    end
  end

  # One after the other on one worker, each on a connection of its own.
  def test_no_descriptor_stays_behind
    count = -> { Dir.children("/proc/#{self.class.worker}/fd").size }
    exchange(fine)
    before = count.call
    20.times { [fine, REFUSED, post("body", target: "/read")].each { |bytes| exchange(bytes) } }
    # Clients that were refused may have gone since the worker has looked; requests make it look again.
    exchange(fine) until count.call <= before
  end
end

# frozen_string_literal: true

require "support/shared_server_test"

# Another protocol on the connection (RFC 9110, 7.8): what the client sends right behind its request belongs to it.
class UpgradeTest < SharedServerTest
  serves <<~'RUBY', lint: false, config: ""
    lambda do |env|
      echo = lambda do |io|
        while (line = io.gets)
          io.write(line.upcase)
        end
      rescue Errno::ECONNRESET
        note("reset")
      ensure
        io.close
      end
      case env["PATH_INFO"]
      when "/partial" then [101, { "upgrade" => "shout", "rack.hijack" => echo }, []]
      when "/full"
        io = env["rack.hijack"].call
        io.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
        echo.call(io)
        [500, {}, ["nobody gets this"]]
      when "/ignored" then [200, { "upgrade" => "shout" }, ["no"]]
      when "/required" then [426, { "upgrade" => "shout" }, ["no"]]
      end
    end
  RUBY

  HEAD = "HTTP/1.1 101 Switching Protocols\r\n"

  # The fields are the server's in the first, and the app's own in the second.
  {
    "/partial" => "upgrade: shout\r\nConnection: Upgrade\r\n", "/full" => "Connection: Upgrade\r\nUpgrade: shout\r\n"
  }.each do |path, fields|
    define_method("test_#{path.delete("/")}") do
      Wire.open(shared.port) do |wire|
        wire.write("#{upgrade(path)}first\nsec")
        assert_equal "#{HEAD}#{fields}\r\nFIRST\n", wire.read_until("FIRST\n")
        wire.write("ond\n")
        assert_equal "SECOND\n", wire.read_until("\n")
        wire.close_write
        assert_equal ["", :fin], wire.finish
      end
    end

    define_method("test_#{path.delete("/")}_that_the_client_ends") do
      Wire.open(shared.port) do |wire|
        wire.write(upgrade(path))
        wire.read_until("\r\n\r\n")
        wire.reset
      end
      assert_equal 200, exchange(request("GET", "/ignored")).first.status
      assert_equal ["reset"], notes
    end
  end

  # "A server MAY ignore a received Upgrade header field" (7.8), and then it does not send one: it is for 101 and 426.
  def test_ignored
    reply, ending = exchange(upgrade("/ignored"))
    assert_equal [200, nil, "close", "no", :fin], [*reply.show(:status, "upgrade", "connection", :content), ending]
  end

  def test_required
    reply, ending = exchange(request("GET", "/required"))
    assert_equal [426, "shout", "close, Upgrade", "no", :fin], [*reply.show(:status, "upgrade", "connection", :content), ending]
  end

  def upgrade(path)
    request("GET", path, "Connection: Upgrade", "Upgrade: shout")
  end
end

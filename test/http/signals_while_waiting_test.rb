# frozen_string_literal: true

require "support/app_test"
require "support/wire"

# A worker that waits for its client's bytes is not deaf: the server ends long before the client's time is over.
class SignalsWhileWaitingTest < AppTest
  PATIENT = "client_header_timeout 300\nclient_body_timeout 300\nclient_write_timeout 300\ntimeout 1, cleanup: 1\n"
  APP = <<~'RUBY'
    lambda do |env|
      File.write("reached", "")
      body = env["PATH_INFO"] == "/large" ? "x" * 100_000_000 : env["rack.input"].read
      [200, {}, [body]]
    end
  RUBY

  # What the client has sent, and whether the app has been called. INT ends it at once; TERM waits, but only for as long as
  # `timeout` says.
  {
    "head" => ["GET / HTTP/1.1\r\nHost: ", false],
    "body" => ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", true],
    "response" => ["GET /large HTTP/1.1\r\nHost: a\r\n\r\n", true]
  }.each do |what, (bytes, called)|
    %i[INT TERM].each do |signal|
      define_method("test_#{signal}_in_the_#{what}") do
        server = serve(APP, lint: false, config: PATIENT)
        File.mkfifo(File.join(@directory, "reached"))
        Wire.open(server.port) do |wire|
          wire.write(bytes)
          called ? File.read(File.join(@directory, "reached")) : await_accepted(wire)
          started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
          server.stop(signal)
          assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, :<, 15
        end
      end
    end
  end

  # Until the worker has taken what was sent, which only the kernel knows.
  def await_accepted(wire)
    port = format("%04X", wire.socket.local_address.ip_port)
    loop do
      queue = File.foreach("/proc/net/tcp").map(&:split).find { |line| line[2].end_with?(":#{port}") && line[3] == "01" }&.at(4)
      break if queue&.end_with?(":00000000")

      Thread.pass
    end
  end
end

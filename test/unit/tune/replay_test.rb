# frozen_string_literal: true

require "socket"
require "support/unit_helper"
require "pitchfork/tune/replay"
require "pitchfork/tune/request_list"

# Against a server that answers what the path says, right or wrong.
class TuneReplayTest < UnitTest
  Tune = Pitchfork::Tune
  ANSWERS = {
    "/good" => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody",
    "/chunked" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "/to-the-end" => "HTTP/1.1 200 OK\r\n\r\n#{"x" * 200_000}",
    "/moved" => "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n",
    "/unchanged" => "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n",
    "/broken" => "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
    "/short" => "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nbody",
    "/no-end" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n",
    "/nothing" => "",
    "/garbage" => "garbage"
  }.freeze

  def setup
    @asked = Queue.new
    @server = UNIXServer.new("socket")
    @thread = Thread.new { loop { serve(@server.accept) } }
    @thread.report_on_exception = false
  end

  def teardown
    @thread.kill
    @server.close
  end

  def serve(socket)
    head = socket.gets("\r\n\r\n")
    @asked << head
    answer = ANSWERS.fetch(head[%r{ (/\S*) HTTP}, 1]) { |path| path.start_with?("/n/") ? ANSWERS["/good"] : nil }
    return @waiting = socket unless answer # for ever

    socket.write(answer)
    socket.close
  end

  def replay(*paths, numbers: 0...8, seconds: 20, clients: 2)
    list = Tune::RequestList.parse(paths.map { |path| path.start_with?("/") ? "GET #{path}" : path }.join("\n"), "list")
    Tune::Replay.new("socket", list, clients: clients).run(numbers, Tune::Deadline.in(seconds))
  end

  def test_good_answers
    result = replay("/good", "/chunked", "/to-the-end", "/moved", "/unchanged", "HEAD /good", clients: 3, numbers: 0...12)
    assert_equal [12, { 200 => 8, 302 => 2, 304 => 2 }, []], [result.requests, result.statuses, result.failures]
    assert_operator result.rate, :>, 0
    assert_operator result.p50, :<=, result.p99
  end

  def test_each_number_once
    replay("/n/{n}", numbers: 5...12, clients: 3)
    asked = Array.new(@asked.size) { @asked.pop[%r{/n/(\d+)}, 1].to_i }
    assert_equal (5...12).to_a, asked.sort
  end

  { "/broken" => "status 500", "/short" => "4 of 5 bytes came", "/no-end" => "the response has no end",
    "/nothing" => "the connection was closed before a response", "/garbage" => "status 0" }.each do |path, complaint|
    define_method("test_#{path}") do
      assert_equal ["GET #{path}: #{complaint}"], replay("/good", path, numbers: 0...2).failures
    end
  end

  def test_nobody_there
    @server.close
    File.delete("socket")
    assert_equal ["GET /good: ENOENT"], replay("/good", numbers: 0...1).failures
    @server = UNIXServer.new("socket")
  end

  def test_a_response_that_never_ends
    assert_raises(Tune::OutOfTime) { replay("/for-ever", numbers: 0...1, seconds: 0.2) }
    assert_raises(Errno::ECHILD) { Process.wait }
  end
end

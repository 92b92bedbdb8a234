# frozen_string_literal: true

require "support/shared_server_test"

# What only the connection's own state can get wrong: threads of the app, large heads before small ones, hints for nobody. The
# worker goes on, which every test here asserts at its end.
class SurvivorsTest < SharedServerTest
  serves '->(env) { instance_eval(env["HTTP_X_CODE"] || "[200, {}, []]") }', lint: false, setup: "require 'timeout'", config: <<~'CONFIG'
    early_hints true
    client_body_timeout 1
  CONFIG

  # The buffer of the worker has grown for the first, and more than a piece of the second's body is there with its head.
  def test_a_large_head_before_a_body_that_breaks_off
    exchange(request("GET", "/", "A: #{"a" * 40_000}", "B: #{"b" * 40_000}"))
    gate = File.join(shared.directory, "received")
    File.mkfifo(gate)
    code = "File.read('received'); env['rack.input'].read; [200, {}, []]"
    { true => 400, false => 408 }.each do |ends, status|
      Wire.open(shared.port) do |wire|
        wire.write(request("POST", "/", "X-Code: #{code}", "Content-Length: 300000", body: "c" * 200_000))
        wire.close_write if ends
        File.open(gate, "w").close # the app reads when all that comes is with the kernel
        assert_equal status, Reply.parse(wire.finish.first).status
      end
    end
  end

  # As Timeout does it to an app that reads its input.
  def test_a_read_that_is_interrupted_and_tried_again
    code = "begin; Timeout.timeout(0.1) { env['rack.input'].read }; rescue Timeout::Error; end; [200, {}, [env['rack.input'].read]]"
    reply, = exchange("") do |wire|
      wire.write(request("POST", "/", "X-Code: #{code}", "Content-Length: 10"))
      wire.write("12345")
      wire.socket.wait_readable(0.4)
      wire.write("67890")
    end
    assert_equal [200, "1234567890"], reply.show(:status, :body)
  end

  def test_a_hijacker_while_a_thread_reads
    code = "t = Thread.new { env['rack.input'].read rescue nil }; Thread.pass until t.stop?; env['rack.hijack'].call"
    reply, = exchange(request("POST", "/", "X-Code: #{code}", "Content-Length: 5"))
    assert_equal 500, reply.status
    shared.wait_for(/another thread is using the connection/)
    @logged = shared.log.bytesize
  end

  # The thread that reads is the one to close the connection when the response is over.
  def test_threads_that_read_longer_than_the_request_lasts
    before = descriptors
    code = "t = Thread.new { env['rack.input'].read rescue nil }; ($readers ||= []) << t; Thread.pass until t.stop?; [200, {}, ['fine']]"
    10.times do
      reply, ending = exchange(request("POST", "/", "X-Code: #{code}", "Content-Length: 5"))
      assert_equal [200, "fine", :fin], [*reply.show(:status, :body), ending]
    end
    exchange(request("GET", "/", "X-Code: $readers.each(&:join); [200, {}, []]"))
    # Those whose clients were still sending go when the worker looks, which requests make it do.
    exchange(request("GET", "/")) until descriptors <= before
  end

  def descriptors
    Dir.children("/proc/#{self.class.worker}/fd").size
  end

  # Hints may be lost, and a client that is gone is no mistake of the app's.
  def test_hints_to_a_client_that_is_gone
    code = "File.read('gate'); 99.times { env['rack.early_hints'].call('link' => '</a>') }; [200, {}, []]"
    gate = File.join(shared.directory, "gate")
    File.mkfifo(gate)
    Wire.open(shared.port) do |wire|
      wire.write(request("GET", "/", "X-Code: #{code}"))
      File.open(gate, "w") { wire.reset } # opened when the app has it open, too
    end
    exchange(request("GET", "/", "X-Code: warn('all over'); [200, {}, []]"))
    shared.wait_for(/^all over$/)
  end

  # `Integer("010")` is 8.
  def test_lengths_with_zeros_in_front
    code = "[200, {}, [env['CONTENT_LENGTH']]]"
    [[], ["A: 1", "A: 2"]].each do |fields|
      reply, = exchange(request("POST", "/", "X-Code: #{code}", *fields, "Content-Length: 010", body: "0123456789"))
      assert_equal "10", reply.body
    end
  end

  # The one worker has other things to do, and finds much waiting when it looks again.
  def test_an_upload_that_is_drained_late
    pieces = 0
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/", "X-Code: [403, {}, ['no']]", "Content-Length: 1000000000"))
      wire.await("no")
      busy = Thread.new { exchange(request("GET", "/", "X-Code: sleep(3); [200, {}, []]")) }
      while busy.alive?
        assert wire.write("x" * 10_000), "the connection was cut after #{pieces} pieces"
        pieces += 1
        wire.socket.wait_readable(0.01) unless wire.socket.closed?
      end
      assert wire.write("x"), "the connection was cut"
    end
  end
end

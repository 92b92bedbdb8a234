# frozen_string_literal: true

require "support/shared_server_test"

# After an error, wherever it comes from: the right status if it is still possible, the end of the connection, everything
# closed once, one entry in the log, and a worker that goes on.
class ErrorsTest < SharedServerTest
  # What the app does is in the request; what is closed and called leaves a note.
  serves <<~'RUBY', lint: false, config: <<~'CONFIG', setup: <<~'SETUP'
    lambda do |env|
      if env["PATH_INFO"] == "/last"
        warn("all over")
        next [200, {}, []]
      end

      env["rack.response_finished"] << ->(*arguments) { note("finished #{arguments.last.class}") }
      note("called")
      instance_eval(env["HTTP_X_CODE"])
    end
  RUBY
    after_request_complete { |_, _, env| note("completed") unless env["PATH_INFO"] == "/last" }
  CONFIG
    Parts = Struct.new(:parts) do
      def each
        parts.each { |part| yield part.respond_to?(:call) ? part.call : part }
      end

      def close
        note("closed")
      end
    end

    def parts(*all, fields: {}) = [200, fields, Parts.new(all)]
    module Kernel
      def fail! = raise("secret")
    end
  SETUP

  FINE = 'parts("fine")'
  LENGTH = 'fields: { "content-length" => "9" }'

  def code(text, *fields, method: "GET", body: "")
    request(method, "/path?query", "X-Code: #{text}", "X-Request-Id: abc", *fields, body: body)
  end

  # code: status, whether there is a body to close. Nothing was sent yet: the client gets a 500.
  {
    "fail!" => false, "raise NotImplementedError" => false, "raise 'a' rescue raise 'secret'" => false, "nil" => false, "[200]" => false,
    "[200, {}, nil]" => false, "['none', {}, Parts.new([])]" => true, "[200, nil, Parts.new([])]" => true,
    "[20, {}, Parts.new([])]" => true, "[200, { 'x' => \"a\\0\" }, Parts.new(['secret'])]" => true,
    "[200, { \"x\\r\\ny\" => '1' }, Parts.new(['secret'])]" => true, "[200, { 'content-length' => 'x' }, Parts.new(['secret'])]" => true,
    "[200, {}, [1]]" => false, "[200, {}, ['secret', nil]]" => false
  }.each do |text, closed|
    define_method("test_before_the_first_byte: #{text}") do
      reply, ending = exchange(code(text))
      assert_equal ["HTTP/1.1 500 Internal Server Error", "Internal Server Error\n", "close", :fin],
                   [*reply.show(:line, :body, "connection"), ending]
      assert_equal %w[Connection Content-Length Content-Type Date], reply.fields.map(&:first).sort
      assert_ended("finished", closed)
      assert_logged(1)
    end
  end

  # code: bytes behind the head. It can't be taken back, so that it must not look complete.
  {
    "parts('some', method(:fail!))" => "4\r\nsome\r\n",
    "parts('some', method(:fail!), #{LENGTH})" => "some",
    "parts('some', 1)" => "4\r\nsome\r\n",
    "parts('some', nil, #{LENGTH})" => "some",
    "parts('some', #{LENGTH})" => "some",
    "parts('0123456789', #{LENGTH})" => "012345678",
    "parts('some', -> { throw :nobody })" => "4\r\nsome\r\n",
    "parts('some', -> { raise NoMemoryError })" => "4\r\nsome\r\n"
  }.each do |text, body|
    define_method("test_after_the_first_byte: #{text}") do
      reply, ending = exchange(code(text))
      assert_equal [200, body, "close", :fin], [*reply.show(:status, :body, "connection"), ending]
      assert_ended("finished", true)
      assert_logged(1)
    end
  end

  def test_a_close_that_raises
    reply, ending = exchange(code("body = Parts.new(['fine']); def body.close = super && fail!; [200, {}, body]"))
    assert_equal ["fine", :fin], [reply.content, ending]
    assert_ended("finished NilClass", true)
    assert_match(/ERROR -- : closing the response body failed: secret/, new_log)
    assert_equal 1, new_log.scan("ERROR").size
    @logged = shared.log.bytesize
  end

  # Points at which a client may go, by what it has sent, and what it has waited for before. A mistake of its own is none of the app's.
  [
    ["before its request", "", nil, []],
    ["in the head", "GET / HTTP/1.1\r\nHo", nil, []],
    ["behind the head, before the answer", :fine, nil, %w[called closed finished completed]],
    ["in the body, that nobody reads", :unread, nil, %w[called closed finished completed]],
    ["in the body, which the app reads", :reads, nil, %w[called finished completed]],
    ["when it is asked for the body", :asked, "100 Continue\r\n\r\n", %w[called finished completed]],
    ["in the middle of the answer", :endless, "\r\n\r\n", %w[called closed finished completed]],
    ["in the middle of a large answer", :large, "\r\n\r\n", %w[called finished completed]],
    ["behind the answer", :fine, "0\r\n\r\n", %w[called closed finished completed]]
  ].each do |point, bytes, awaited, expected|
    %i[reset close].each do |way|
      define_method("test_a_client_that_goes #{point}, with a #{way}") do
        leave(bytes.is_a?(Symbol) ? send(bytes) : bytes, awaited, way)
        await_end
        assert_equal(expected, notes.map { |line| line[/\w+/] })
      end
    end
  end

  def fine = code(FINE)
  def unread = code(FINE, "Content-Length: 9", method: "POST", body: "half")
  def reads = code("parts(env['rack.input'].read)", "Content-Length: 9", method: "POST", body: "half")
  def asked = code("parts(env['rack.input'].read)", "Content-Length: 9", "Expect: 100-continue", method: "POST")
  def endless = code("[200, {}, Parts.new(Enumerator.new { |y| loop { y << 'x' * 65_536 } })]")
  def large = code("[200, {}, ['x' * 50_000_000]]")

  def leave(bytes, awaited, way)
    Wire.open(shared.port) do |wire|
      wire.write(bytes)
      wire.await(awaited) if awaited
      wire.public_send(way)
    end
  end

  # The only worker answers another request: it has done with the one before, and all that was logged of it is here.
  def await_end
    exchange(request("GET", "/last"))
    shared.wait_for(/^all over$/)
  end

  def assert_ended(finished, closed)
    await_end
    assert_equal ["called", *("closed" if closed), "completed"], notes.grep_v(/\Afinished/)
    assert_equal 1, notes.grep(/\A#{finished}/).size, notes
  end

  # One entry, and the id of the request in it.
  def assert_logged(count)
    assert_equal count, new_log.scan("ERROR -- : ").size
    assert_equal count, new_log.scan(%r{ERROR -- : GET /path\?query \(request abc\) failed: }).size
    @logged = shared.log.bytesize # it has been judged
  end
end

# frozen_string_literal: true

require "support/shared_server_test"

# Apps that break the rules: the client is not misled, and the log says what was wrong.
class BrokenResponsesTest < SharedServerTest
  # What the app does is in the request.
  serves '->(env) { instance_eval(env["HTTP_X_CODE"]) }', lint: false, setup: "require 'timeout'"

  def answer(code, method: "GET", version: "1.1")
    exchange(request(method, "/path", "X-Code: #{code}", version: version))
  end

  # What the server wrote before it answers another request is here when that has left its line.
  def await_log
    exchange(request("GET", "/", "X-Code: warn('all over'); [200, {}, []]"))
    shared.wait_for(/^all over$/)
  end

  # One error in the log, like this.
  def assert_logged(pattern)
    await_log
    assert_equal 1, new_log.scan("ERROR").size, new_log
    assert_match(pattern, new_log)
    @logged = shared.log.bytesize
  end

  # Where a part of the response is missing, no later part may take its place.
  def test_an_exception_in_the_middle_of_a_write
    large = 'Timeout.timeout(0.2) { s.write("a" * 50_000_000) }'
    { "1.1" => :fin, "1.0" => :rst }.each do |version, ending|
      code = "[200, {}, ->(s) { begin; #{large}; rescue Timeout::Error; s.write('END'); end }]"
      Wire.open(shared.port) do |wire|
        wire.write(request("GET", "/", "X-Code: #{code}", version: version))
        shared.wait_for(/the response has ended already/) # nothing is read before: the write does not end by itself
        received, end_of_it = wire.finish
        assert_equal ending, end_of_it, version
        refute_match(/END|\r\n0\r\n\r\n/, received[-100..], version)
      end
      assert_logged(/the response has ended already/)
    end
  end

  def test_threads_that_write_to_one_stream
    reply, = answer("[200, {}, ->(s) { %w[a b].map { |c| Thread.new { 20.times { s.write(c * 300_000) } } }.each(&:join) }]")
    parts = reply.content.scan(/a+|b+/)
    assert_equal 12_000_000, reply.content.bytesize
    assert(parts.all? { |part| (part.bytesize % 300_000).zero? })
  end

  def test_a_stream_that_is_closed_with_an_error
    reply, = answer('[200, {}, ->(s) { s.write("half"); s.close(RuntimeError.new) }]')
    assert_equal [200, "4\r\nhalf\r\n"], reply.show(:status, :body)
    assert_equal :rst, answer('[200, {}, ->(s) { s.write("half"); s.close(RuntimeError.new) }]', version: "1.0").last
  end

  # The connection is the app's, which has failed: nobody else would close it.
  def test_a_failed_hijacker
    {
      '[200, { "rack.hijack" => ->(io) { io.write("half"); raise "broken" } }, []]' => 200,
      '[101, { "upgrade" => "x" }, ->(io) { io.write("half"); raise "broken" }]' => 101
    }.each do |code, status|
      reply, ending = answer(code)
      assert_equal [status, "half", :fin], [*reply.show(:status, :body), ending], code
      assert_logged(/GET \/path failed: broken/)
    end
  end

  # A body that is at hand was not made into chunks by anybody.
  def test_a_transfer_encoding_of_a_body_that_has_none
    reply, = answer('[200, { "transfer-encoding" => "chunked" }, ["0\r\n\r\n"]]'.gsub("\r\n", '\r\n'))
    assert_equal ["5", nil, "0\r\n\r\n"], reply.show("content-length", "transfer-encoding", :body)
  end

  # The client gets all of it, and the author is told.
  def test_a_wrong_length_of_a_body_that_is_at_hand
    file = File.join(shared.directory, "file")
    File.write(file, "hello")
    ['["hello"]', "File.open(#{file.inspect})"].product(%w[3 9]) do |body, length|
      reply, ending = answer("[200, { 'content-length' => '#{length}' }, #{body}]")
      assert_equal [200, "5", "hello", :fin], [*reply.show(:status, "content-length", :body), ending]
      assert_logged(/the response's Content-Length, #{length}, is not that of its body/)
    end
    assert_equal ["3", ""], answer("[200, { 'content-length' => '3' }, []]", method: "HEAD").first.show("content-length", :body)
  end

  # RFC 9110, 15.2: they announce a final one.
  def test_interim_statuses_are_no_response
    ["[103, { 'link' => '</a>' }, []]", "[100, {}, []]", "[199, {}, ->(s) {}]"].each do |code|
      assert_equal 500, answer(code).first.status, code
      assert_logged(/expected an Integer from 200 to 999, or 101 in HTTP\/1.1/)
    end
    assert_equal 500, answer("[101, { 'upgrade' => 'x' }, ->(io) { io.close }]", version: "1.0").first.status
    assert_logged(/status 101/)
  end

  # Neither StandardError nor meant to end a process.
  def test_other_exceptions
    ["Exception", "SecurityError", "Class.new(Exception)", "NoMemoryError"].each do |error|
      assert_equal 500, answer("raise #{error}, 'odd'").first.status, error
      assert_logged(/GET \/path failed: odd/)
    end
  end

  # It has the connection open as long as it lives.
  def test_a_child_that_the_app_forks
    reply, ending = answer("[200, {}, [fork { sleep }.to_s]]")
    assert_equal [200, :fin], [reply.status, ending]
    Process.kill(0, Integer(reply.body, 10))
  ensure
    Process.kill(:KILL, Integer(reply.body, 10)) if reply
  end

  def test_tempfiles_that_are_none
    assert_equal "fine", answer("env['rack.tempfiles'] = 'none'; [200, {}, ['fine']]").first.body
    assert_logged(/rack.tempfiles/)
  end

  # Whatever its bytes are, and in whichever encoding the app puts them.
  def test_what_stands_in_the_log
    code = "env['REQUEST_URI'] = env['REQUEST_URI'].dup.force_encoding('UTF-8'); raise 'broken'"
    bytes = request("GET", "/?\u00e9\u009b2J", "X-Code: #{code}", "X-Request-Id: ID").b.sub("ID", "\xff\u2028".b)
    reply, = exchange(bytes)
    assert_equal 500, reply.status
    await_log
    assert_includes new_log, "GET /?\u00e9\\u009b2J (request \ufffd\\u2028) failed: broken".b
    exchange(request("GET", "/", "X-Code: raise 'broken'", "X-Request-Id: #{"a" * 50_000}"))
    await_log
    assert_operator new_log.lines.grep(/failed: broken/).map(&:bytesize).max, :<, 1000
    assert_includes new_log, "aaa\u2026) failed: broken".b
    @logged = shared.log.bytesize
  end
end

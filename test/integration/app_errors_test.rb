# frozen_string_literal: true

require "support/app_test"

# An app that fails. Its client learns that it did, its log why, and nobody else anything.
class AppErrorsTest < AppTest
  FAILURES = {
    "raise 'broken'" => "broken (RuntimeError)",
    "throw :nobody_catches" => "uncaught throw :nobody_catches (UncaughtThrowError)",
    "raise NotImplementedError, 'later'" => "later (NotImplementedError)",
    "load '/does/not/exist.rb'" => "cannot load such file -- /does/not/exist.rb (LoadError)",
    "eval('1 +')" => "(SyntaxError)",
    "def dig(n) = dig(n + 1) + 1; dig(0)" => "stack level too deep (SystemStackError)",
    "raise NoMemoryError, 'none'" => "none (NoMemoryError)",
    "nil.upcase" => "(NoMethodError)",
    "raise Errno::EPIPE" => "Broken pipe (Errno::EPIPE)",
    "raise Class.new(StandardError) { def message = raise('in message') }" => "no message, for that raised RuntimeError",
    "raise \"caf\\xe9\".b" => "caf"
  }.freeze

  def test_raising_before_the_head
    server = serve('->(env) { instance_eval(env["HTTP_X_CODE"]); [200, {}, ["fine"]] }', lint: false)
    pid = server.process("pitchfork worker[0]").pid
    FAILURES.each do |code, message|
      reply = fetch(server, "/path?query", "X-Code: #{code}", "X-Request-Id: abc")
      assert_equal [500, "Internal Server Error\n"], [reply.status, reply.content], code
      server.wait_for(/ERROR -- : GET \/path\?query \(request abc\) failed: .*#{Regexp.escape(message)}/)
    end
    assert_equal "fine", fetch(server, "/", "X-Code: 1").content
    assert_equal pid, server.process("pitchfork worker[0]").pid
  end

  # What is sent can't be taken back: the client sees that the response is incomplete.
  def test_raising_after_the_head
    server = serve(<<~'RUBY', lint: false)
      ->(env) { [200, env["PATH_INFO"] == "/length" ? { "content-length" => "9" } : {}, Enumerator.new { |y| y << "some"; raise "later" }] }
    RUBY
    assert_equal [200, "4\r\nsome\r\n"], fetch(server).show(:status, :body)
    assert_equal %w[9 some], fetch(server, "/length").show("content-length", :body)
    2.times { server.wait_for(/failed: later \(RuntimeError\)/) }
  end

  def test_raising_at_the_first_part
    server = serve('->(_) { [200, {}, Enumerator.new { |_| raise "at once" }] }', lint: false)
    reply = fetch(server)
    assert_nil reply.content, "it must not look complete" if reply.status == 200
    server.wait_for(/failed: at once/)
  end

  # Bytes of the request, and a message in letters of its own.
  def test_what_can_not_be_joined
    server = serve('->(_) { raise "K\u00f6ln" }', lint: false)
    2.times { assert_equal 500, fetch(server, "/\u00e9".b, "X-Request-Id: \xfc".b).status }
    server.wait_for(/failed: K.+ln \(RuntimeError\)/n)
    assert_includes server.log.force_encoding("UTF-8"), "GET /\u00e9 (request \ufffd) failed: K\u00f6ln"
  end

  # What ends a process was meant to. Another takes its place.
  def test_an_app_that_ends_its_process
    server = serve('->(env) { instance_eval(env["HTTP_X_CODE"]); [200, {}, ["fine"]] }', lint: false,
config: "max_consecutive_spawn_errors nil")
    ["exit", "exit!", "abort('said')", "raise Interrupt", "Process.kill(:KILL, Process.pid)"].each do |code|
      before = server.process("pitchfork worker[0]").pid
      begin
        talk(server, request("GET", "/", "X-Code: #{code}"))
      rescue Errno::ECONNRESET
        nil # it was killed
      end
      server.wait_for(/worker=0 gen=0 pid=(?!#{before})\d+ ready/)
    end
    assert_equal "fine", fetch(server, "/", "X-Code: 1").content
  end
end

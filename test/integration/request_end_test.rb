# frozen_string_literal: true

require "support/life"

# Requests that raise, throw or exit: mistakes are answered, ends are ends.
class RequestEndTest < LifeTest
  APP = <<~'RUBY'
    OwnException = Class.new(Exception)
    run ->(env) do
      eval(env["HTTP_X_CODE"]) if env["HTTP_X_CODE"]
      [200, {}, [Process.pid.to_s]]
    end
  RUBY

  MISTAKES = {
    "raise 'oops'" => "RuntimeError", "raise NotImplementedError, 'oops'" => "NotImplementedError", "oops(" => "SyntaxError",
    "def deep = deep; deep" => "SystemStackError", "raise NoMemoryError, 'oops'" => "NoMemoryError",
    "throw :oops" => "UncaughtThrowError", "require 'no/such/file'" => "LoadError", "Timeout.timeout(0.01) { sleep }" => "Timeout::Error",
    "raise Errno::EPIPE" => "Errno::EPIPE", "raise Errno::EAGAIN" => "Errno::EAGAIN", "raise StopIteration" => "StopIteration",
    "raise OwnException, 'oops'" => "OwnException", "raise SecurityError, 'oops'" => "SecurityError"
  }.freeze

  ENDS = {
    "exit" => /left after \d+ requests/, "exit(0)" => /left after \d+ requests/, "exit(5)" => /exited with status 5 after \d+ requests/,
    "abort" => /exited with status 1/, "exit!(4)" => /exited with status 4/, "raise SystemExit" => /left after \d+ requests/,
    "raise Interrupt" => /died of SIGINT/, "raise SignalException, 'TERM'" => /died of SIGTERM/,
    "Thread.current.kill" => /left after \d+ requests/
  }.freeze

  def test_a_mistake_is_answered_with_500_and_the_worker_goes_on
    server = start(app: "require 'timeout'\n#{APP}")
    pid = server.get.body
    MISTAKES.each do |code, name|
      response = server.get("/place?of=mistake", "X-Code" => code, "X-Request-Id" => "r1")
      assert_equal "500", response.code, code
      assert_empty response.body.to_s.scan(/oops|\.ru/), "the client learns no details"
      server.wait_for(/GET \/place\?of=mistake \(request r1\) failed: /)
      assert_includes server.log, "(#{name})"
    end
    assert_equal pid, server.get.body
  end

  def test_an_end_ends_the_worker_and_nobody_else
    server = start(app: APP, config: "worker_processes 2")
    ENDS.each do |code, line|
      before = server.tree.select { |node| node.title.include?("worker") }.map(&:pid)
      assert_raises(EOFError, code) { server.get("/", "X-Code" => code) }
      number, ended = server.wait_for(/worker=(\d) gen=0 pid=(\d+) .*#{line}/).captures
      server.wait_for(/worker=#{number} gen=0 pid=\d+ ready/)
      assert_equal before - [ended.to_i], before & server.tree.map(&:pid)
    end
  end

  def test_app_mistakes_while_the_body_is_made
    app = <<~'RUBY'
      Body = Struct.new(:path) do
        def each
          yield "first "
          raise "in each" if path == "/each"
          yield "last"
        end
        def close
          raise "in close" if path == "/close"
        end
      end
      run ->(env) { [200, {}, Body.new(env["PATH_INFO"])] }
    RUBY
    server = start(app: app)
    pid = server.process("pitchfork worker").pid
    refute_includes server.raw("GET /each HTTP/1.1\r\nHost: x\r\n\r\n"), "0\r\n\r\n", "a broken body must not look complete"
    assert_equal "first last", server.get("/close").body
    assert_equal "first last", server.get("/").body
    server.wait_for(/GET \/each failed: in each/)
    server.wait_for(/closing the response body failed: in close/)
    assert_equal pid, server.process("pitchfork worker").pid
  end
end

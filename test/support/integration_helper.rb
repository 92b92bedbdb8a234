# frozen_string_literal: true

require "minitest/autorun"
require "fileutils"
require "timeout"
require "tmpdir"
require_relative "server_process"

# What began these tests may have them ignore signals, as nohup(1) does and as a shell does for its background jobs. Their servers
# would inherit that.
%w[HUP INT QUIT TERM].each do |name|
  handler = trap(name, "DEFAULT")
  trap(name, handler) unless handler == "IGNORE"
end

# A test with real processes: in a directory of its own, stopped when it hangs, with the server's log in what it says
# when it fails.
class IntegrationTest < Minitest::Test
  SECONDS = 120

  # Answers with what a test wants to know about the process that serves.
  WHO = <<~'RUBY'
    run ->(env) { [200, { "content-type" => "text/plain" }, ["#{Process.pid} #{env["pitchfork.worker"].generation}"]] }
  RUBY

  def before_setup
    super
    @directory = File.realpath(Dir.mktmpdir("pitchfork"))
    @servers = []
  end

  def after_teardown
    @servers.each(&:kill)
    FileUtils.remove_entry(@directory)
    super
  end

  # Minitest wraps setup, the test and teardown in this; an exception in it is the test's failure.
  def capture_exceptions(&block)
    super do
      Timeout.timeout(self.class::SECONDS, &block)
    rescue Minitest::Assertion, StandardError => e
      logs = (@servers || []).map { |server| "\n--- log of #{server.pid} ---\n#{server.log}" }.join
      raise e.class, "#{e.message}#{logs}", e.backtrace if e.is_a?(Minitest::Assertion) && !e.is_a?(Minitest::Skip)
      raise e if e.is_a?(Minitest::Assertion)

      raise RuntimeError, "#{e.message} (#{e.class})#{logs}", e.backtrace
    end
  end

  # A server that is not started yet; it is ended with the test.
  def server(**options)
    ServerProcess.new(@directory, **options).tap { |server| @servers << server }
  end

  # A server whose workers are ready.
  def start(**options)
    server(**options).start
  end

  # @return [String] absolute path of a file in the test's directory
  def write(path, text)
    path = File.join(@directory, path)
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
    path
  end
end

# frozen_string_literal: true

require "json"
require_relative "integration_helper"

# What the tests of a server's life share: requests that are held until the test lets them go, callbacks that leave a
# record, and processes that must be gone at the end whatever happened to their master.
class LifeTest < IntegrationTest
  # Tells who serves, at any path. A request for /hold waits until the test lets it go.
  HOLD = <<~'RUBY'
    run ->(env) do
      who = "#{Process.pid} #{env["pitchfork.worker"].nr} #{env["pitchfork.worker"].generation}"
      wait_here(who) if env["PATH_INFO"] == "/hold"
      [200, { "content-type" => "text/plain" }, [who]]
    end
  RUBY

  # For an app or a configuration file that calls it: says so through one FIFO, and waits for a byte from another.
  WAIT = <<~'RUBY'
    def wait_here(text = Process.pid.to_s)
      File.write("held", text)
      File.open("gate", "r+") { |gate| gate.read(1) } # opened so, it waits where a signal may come
    end
  RUBY

  # Appends a line to a file of the test's directory; O_APPEND keeps the lines of several processes whole.
  RECORD = <<~'RUBY'
    require "json"
    RECORD = File.expand_path("record")
    def record(name, **details)
      line = JSON.generate({ name: name, pid: Process.pid, **details })
      File.open(RECORD, "a") { |file| file.syswrite("#{line}\n") }
    end
  RUBY

  def before_setup
    super
    @watched = []
    File.mkfifo(path("held"))
    File.mkfifo(path("gate"))
  end

  # Children outlive a killed master for a moment; a test that fails must not leave them for ever.
  def after_teardown
    left = @watched.select { |server, pid| server.alive?(pid) }
    left.each { |_, pid| Process.kill(:KILL, pid) }
    super
  end

  def server(app: nil, config: "", **options)
    app, config = [app, config].map { |code| code&.include?("wait_here") ? WAIT + code : code }
    super
  end

  # @return [String] absolute path in the test's directory, where the server runs
  def path(name)
    File.join(@directory, name)
  end

  # @return [Array<Hash>] what RECORD's callbacks have written, in order
  def recorded(name = nil)
    return [] unless File.exist?(path("record"))

    lines = File.readlines(path("record")).map { |line| JSON.parse(line, symbolize_names: true) }
    name ? lines.select { |line| line[:name] == name.to_s } : lines
  end

  # Sends a request that is being served, and will be until {#release}, when this returns.
  #
  # @return [Thread] its value is the response, or nil when there was none
  def hold(server)
    thread = Thread.new do
      server.get("/hold")
    rescue EOFError, SystemCallError
      nil
    end
    @held_by = Integer(File.read(path("held")).split.first)
    thread
  end

  # @return [Integer] pid of the worker that serves the held request
  attr_reader :held_by

  def release
    File.write(path("gate"), ".")
  end

  # @return [Array<Integer>] the server's children, which are ended with the test
  def watch(server)
    pids = server.descendants.map(&:pid)
    @watched.concat(pids.map { |pid| [server, pid] })
    pids
  end

  # Stops the server and asserts that it ended well and left nothing.
  def assert_clean_stop(server, signal = :TERM)
    children = watch(server)
    assert_equal 0, server.stop(signal).exitstatus
    server.wait_gone(children)
    refute_match(/\.rb:\d+:in /, server.log, "a backtrace was left in the log")
  end
end

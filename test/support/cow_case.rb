# frozen_string_literal: true

require "json"
require "open3"
require "support/integration_helper"

# `pitchfork cow` as its users run it, beside a real server.
class CowTest < IntegrationTest
  ROOT = ServerProcess::ROOT
  COMMAND = [RbConfig.ruby, "-w", "-I#{ROOT}/lib", "#{ROOT}/exe/pitchfork", "cow"].freeze
  MIB = 1024 * 1024

  # Twelve MiB of strings that all workers inherit, and one request writes to.
  APP = <<~'RUBY'
    DATA = Array.new(300_000) { |n| "s" * 8 }
    run(lambda do |env|
      DATA.each { |string| string.setbyte(0, 97) } if env["PATH_INFO"] == "/write"
      [200, {}, [Process.pid.to_s]]
    end)
  RUBY

  # @param before [Array<String>] a command that runs it
  # @return [(String, String, Integer)] standard output, standard error, status
  def cow(*arguments, before: [])
    env = { "RUBYOPT" => nil, "HOME" => @directory }
    out, error, status = Open3.capture3(env, *before, *COMMAND, *arguments.map(&:to_s), chdir: @directory)
    [out.force_encoding("UTF-8"), error, status.exitstatus]
  end

  # @return [Hash] of --json
  def look(server)
    out, error, status = cow(server.pid, "--json")
    assert_equal ["", 0], [error, status]
    JSON.parse(out)
  end

  # Starts it, and waits until it has seen the server.
  #
  # @yield what is to happen while it watches
  # @return [(String, String, Integer)] standard output, standard error but for how slow it is, which is the machine's affair; status
  def watch(*arguments, signal: nil)
    Open3.popen3({ "RUBYOPT" => nil }, *COMMAND, *arguments.map(&:to_s), chdir: @directory) do |input, out, error, process|
      input.close
      first = error.gets.to_s
      assert_match(/watching \d+/, first)
      yield if block_given?
      Process.kill(signal, process.pid) if signal
      [out.read, error.each_line.grep_v(/: a sample takes /).join, process.value.exitstatus]
    ensure
      Process.kill(:KILL, process.pid) if process.alive?
    end
  end
end

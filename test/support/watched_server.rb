# frozen_string_literal: true

require "support/integration_helper"
require "open3"

# A test in which `pitchfork cow --who` watches the one worker of a server.
class WatchedServerTest < IntegrationTest
  APP = <<~'RUBY'
    class Hoarder
      MIB = 1 << 20
      INHERITED = "x" * (32 * MIB)

      def touch
        (0...INHERITED.bytesize).step(4096) { |at| INHERITED.setbyte(at, 1) }
      end

      def grow
        "y" * (32 * MIB)
      end
    end

    run(lambda do |env|
      case env["PATH_INFO"]
      when "/touch" then Hoarder.new.touch
      when "/grow" then Hoarder.new.grow
      when "/fork" then Process.wait(fork { exit })
      when "/collect" then 20.times { GC.start }
      end
      [200, {}, ["#{Process.pid} #{env["pitchfork.worker"].generation}"]]
    end)
  RUBY

  # A command that runs, and what it has printed when it has ended.
  Watch = Struct.new(:pid, :output) do
    def wait
      text = output.value
      raise Minitest::Skip, "perf events are forbidden here: #{text}" if text.match?(/perf_event_open: E(ACCES|PERM|NOSYS)/)

      [text, status.exitstatus]
    end

    def status
      @status ||= Process.wait2(pid).last
    end
  end

  def after_teardown
    @watches&.each { |watch| watch.status if watch.output.join(1) || Process.kill(:KILL, watch.pid) }
    super
  end

  # Runs the command; it asks the worker sooner or later.
  #
  # @return [Watch]
  def ask(*arguments, seconds: 20)
    reader, writer = IO.pipe
    command = [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "cow", "--who", *arguments,
               "--for", seconds.to_s, @server.pid.to_s]
    pid = Process.spawn({ "RUBYOPT" => nil }, *command, out: writer, err: writer, in: File::NULL)
    writer.close
    (@watches ||= []) << Watch.new(pid, Thread.new { reader.read })
    @watches.last
  end

  # Sends requests until the worker is being watched and the command knows it, or until the command has ended.
  def await(watch)
    until watch.output.join(0.01)
      worker = Integer(@server.get("/").body.split.first)
      return if [worker, watch.pid].all? { |pid| descriptors(pid).any? { |link| link.include?("pitchfork who") } }
    end
  end

  # @return [Array<String>] what the process has open
  def descriptors(pid)
    Dir.glob("/proc/#{pid}/fd/*").filter_map do |path|
      File.readlink(path)
    rescue Errno::ENOENT
      nil
    end.sort
  end

  # @return [String] which signals are caught, ignored and blocked
  def signals(pid)
    File.read("/proc/#{pid}/status")[/^SigBlk.*^SigCgt:.*?$/m]
  end

  def worker
    @server.process("pitchfork worker[0]").pid
  end
end

# frozen_string_literal: true

require_relative "../server_process"
require_relative "exchange"
require_relative "processes"
require_relative "site"
require_relative "sockets"

module Chaos
  # The server that is struck, and how to tell that it has recovered.
  class Target
    COMMAND = [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork",
               "-c", "pitchfork.rb", "config.ru"].freeze
    private_constant :COMMAND

    attr_reader :processes, :workers

    # @param wrapper [Array<String>] a command that executes the one that follows
    def initialize(directory, workers:, config: "", env: {}, wrapper: [])
      @directory = directory
      @workers = workers
      config = "#{Site::CONFIGURATION}\nworker_processes #{workers}\n#{config}"
      @process = ServerProcess.new(directory, app: Site::APP, config: config, env: env, command: [*wrapper, *COMMAND])
    end

    # @return [Float] seconds until it has its full strength
    def start
      began = now
      @process.start
      @processes = Processes.new(@process.pid, @directory)
      @sockets = Sockets.new(port)
      recovered(began, 30) or raise "the server did not start:\n#{log}"
    end

    # @return [Array<Integer, String>] both listeners
    def addresses
      [port, "#{@directory}/server.sock"]
    end

    # Waits until all workers and a mold are ready and a request is answered.
    #
    # @param without [Array<Integer>] see {Processes#full_strength?}
    # @return [Float, nil] seconds since then; nil: not within `patience`
    def recovered(since, patience, without: [])
      until processes.full_strength?(workers, without: without) && answers?
        return if now - since > patience

        sleep(0.003)
      end
      now - since
    end

    # Longer than the pause between two steps of a rollout.
    QUIET = 0.5
    private_constant :QUIET

    # Waits until there is nothing left to come.
    #
    # @return [Boolean] whether that came
    def settled(patience)
      latest = now + patience
      quiet = now
      until now - quiet > QUIET
        return false if now > latest

        sleep(0.01)
        quiet = now unless processes.settled?(workers)
      end
      true
    end

    # @return [Array<Array>] the clients whose requests a stopped process has
    def held_by(pid)
      @sockets.held_by(pid)
    end

    # A file that the hooks look at.
    def switch(hook, fault)
      path = "#{@directory}/#{hook}"
      return File.unlink(path) unless fault

      # All at once: a hook must not read half a word.
      File.write("#{path}.new", fault)
      File.chmod(0o644, "#{path}.new")
      File.rename("#{path}.new", path)
    end

    # @return [Integer] pid of the worker that was the last to crash because it was asked to
    def crashed
      Integer(File.read("#{@directory}/crashed"), 10)
    end

    # @return [Integer] how often the app was booted, the first time included
    def boots
      log.scan(/ mold gen=\d+ pid=\d+ booting\b/).size
    end

    # @return [String] all that the server has written
    def log
      @process.log
    end

    # Ends whatever is left of it, without mercy.
    def kill
      @process.kill
    end

    # @return [Array<Integer>] pids of processes that are left after the end
    def stop
      status = @process.stop
      @sockets.close
      raise "the server ended with #{status.inspect}" unless status.success?

      deadline = now + 5
      sleep(0.01) while processes.here.any? && now < deadline
      processes.here
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    private

    def port
      @port ||= @process.port
    end

    def answers?
      request = Request.new("GET /quick?ready HTTP/1.1\r\nHost: localhost\r\n\r\n", [200], " ready ")
      Exchange.new(port, request).call == :answered
    end
  end
end

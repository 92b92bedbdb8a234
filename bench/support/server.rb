# frozen_string_literal: true

require "fileutils"
require "rbconfig"
require "socket"
require "tmpdir"
require_relative "process_log"
require_relative "process_tree"

module Bench
  # A server process with its workers, from the first line of its log to its end. Subclasses say how it is started and how
  # its log tells that all workers are ready.
  #
  #   Bench::Puma.open("bench/apps/hello.ru", workers: 2) { |server| Bench::Load.run(server.target, requests: 100) }
  class Server
    ROOT = File.expand_path("../..", __dir__)
    # Set by `bundle exec`; the servers compared here are not in this project's Gemfile.
    BUNDLER = %w[BUNDLE_GEMFILE BUNDLE_BIN_PATH BUNDLER_SETUP BUNDLER_VERSION RUBYLIB GEM_HOME GEM_PATH].to_h { |name| [name, nil] }.freeze
    private_constant :BUNDLER

    attr_reader :app, :workers, :directory, :log, :pid

    # Starts a server, yields it when it is ready, and ends it, whatever happens.
    def self.open(...)
      server = new(...)
      yield server.start
    ensure
      server&.stop
    end

    # @param app [String] path of a .ru file; the server runs in its directory
    # @param workers [Integer]
    # @param unix [Boolean] listen on a UNIX socket in place of TCP on the loopback
    # @param yjit [Boolean] run Ruby with --yjit
    # @param env [Hash{String => String}] for the server and so for the app
    def initialize(app, workers:, unix: false, yjit: false, env: {})
      @app = File.expand_path(app)
      @workers = workers
      @unix = unix
      @directory = Dir.mktmpdir("bench")
      @port = free_port unless unix
      @env = BUNDLER.merge("RUBYOPT" => yjit ? "--yjit" : nil, "RACK_ENV" => "production", "RAILS_ENV" => "production", **env)
    end

    # @return [String] what the load generator connects to
    def target
      @unix ? "#{directory}/server.sock" : "127.0.0.1:#{@port}"
    end

    # @return [String] name for tables and charts
    def name
      self.class.name.split("::").last.downcase
    end

    # @return [self] when all workers are ready
    # @raise [ProcessLog::Missing] with the end of its log when they do not get so
    def start
      reader, writer = IO.pipe
      @pid = Process.spawn(@env, *command, chdir: File.dirname(app), in: File::NULL, out: writer, err: writer)
      writer.close
      @ended = Process.detach(@pid)
      @log = ProcessLog.new(reader)
      pattern, count = ready
      @log.wait_for(pattern, count: count, timeout: patience)
      self
    rescue Errno::ENOENT => e
      raise unless e.message.end_with?(" #{name}")

      abort "#{name} is not installed: bin/setup --bench"
    end

    # @return [ProcessTree] as it is now
    def tree
      ProcessTree.read(pid)
    end

    # Ends the server as an operator would, and by force, with a warning, if that takes too long.
    def stop
      terminate if @pid
    ensure
      @pid = nil
      FileUtils.rm_rf(directory)
    end

    private

    def command
      raise NotImplementedError
    end

    # @return [Array(Regexp, Integer)] the line that says "ready" and how often it comes
    def ready
      raise NotImplementedError
    end

    # @return [Integer] seconds it may take to start; to end, a twelfth of them
    def patience
      60
    end

    def terminate
      Process.kill(:TERM, @pid) if @ended.alive?
      unless @ended.join(patience / 12)
        warn "#{name} did not end within #{patience / 12} s of SIGTERM, it is killed: #{@log.tail(1)}"
        Process.kill(:KILL, @pid)
      end
      @ended.join
      @log.join(10) or raise "#{name} ended, but left processes behind that hold its log open"
    end

    # @return [String] path of a configuration file with this text
    def config(text)
      "#{directory}/config.rb".tap { |path| File.write(path, text) }
    end

    def free_port
      server = TCPServer.new("127.0.0.1", 0)
      server.addr[1]
    ensure
      server&.close
    end
  end
end

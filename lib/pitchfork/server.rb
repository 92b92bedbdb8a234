# frozen_string_literal: true

require "logger"
require "pitchfork/listener"
require "pitchfork/log"
require "pitchfork/log_files"
require "pitchfork/oom_score"
require "pitchfork/rack_env"

module Pitchfork
  # What all processes of a server have in common, and the `server` that callbacks are given.
  class Server
    # Characters of what a client has sent that stand in a line of the log.
    LONGEST = 500
    private_constant :LONGEST

    attr_reader :configuration, :listeners, :scoreboard
    # @return [Log] for the lines of the server itself
    attr_reader :log
    # @return [OomScore]
    attr_reader :oom_score
    # @return [#call, nil] the Rack application; nil in the master
    attr_accessor :app

    # @param death_pipe [IO] its end of file says that the master is dead
    def initialize(configuration, listeners:, scoreboard:, death_pipe:)
      @configuration = configuration
      @listeners = listeners
      @scoreboard = scoreboard
      @death_pipe = death_pipe
      @app = configuration.app
      @log = Log.new(configuration.logger)
      @oom_score = OomScore.new(configuration.oom_score_adj, @log)
      Pitchfork.listener_names = listeners.map(&:to_s)
      Info.server = self
    end

    # @return [Logger] as configured, for callbacks
    def logger
      configuration.logger
    end

    # @return [Integer] as configured; TTIN and TTOU do not change it
    def worker_processes
      configuration.worker_processes
    end

    # @return [Integer] file descriptor
    def death_pipe
      @death_pipe.fileno
    end

    # @return [Array<Integer>] all that every process of the server needs
    def descriptors
      [*listeners.flat_map(&:descriptors), death_pipe, scoreboard.fileno]
    end

    # What has happened how often since the start, for callbacks in the master: rollouts, failed_reforks, restarts,
    # failed_restarts, lost_workers, lost_molds, soft_timeouts and hard_timeouts. And the seconds of garbage collection in all
    # workers that there have been: gc_seconds_within requests and gc_seconds_between them, see {Info.gc_time}.
    #
    # @return [Hash{Symbol => Integer, Float}] empty in other processes
    def counters
      @counters&.call || {}
    end

    # @return [#call, nil] for the master
    attr_writer :counters

    # Runs a callback, with this server as its first argument. What it raises is the caller's.
    def callback(name, *arguments)
      configuration.callback(name)&.call(self, *arguments)
    end

    # Runs a callback whose failure must not stop what goes on around it.
    #
    # @return [Boolean] whether it went well
    def notify(name, *arguments)
      callback(name, *arguments)
      true
    rescue StandardError, ScriptError => e
      report("#{name} raised", e)
      false
    end

    # Writes an exception to the log, with its backtrace.
    #
    # @param what [String, Array<String>] what has failed; the parts of it that come from clients are made harmless
    def report(what, error)
      complain(what, error.backtrace, ": ", message(error), " (#{error.class})")
    end

    # Writes to the log what is wrong, and where.
    #
    # @param what [String, Array<String>] as for {#report}
    # @param backtrace [Array<String>, nil]
    # @param more [Array<String>] what follows on the line, as it is
    def complain(what, backtrace, *more)
      what = Array(what).map { |part| visible(part) }
      trace = backtrace&.map { |line| "\n    #{line}" }
      log.error([*what, *more, *trace].map { |part| text(part) }.join)
    end

    # @see LogFiles.reopen
    def reopen_logs
      LogFiles.epoch = scoreboard.log_epoch
      count = LogFiles.reopen { |path, error| report(["reopening ", path, " failed"], error) }
      log.info("log files reopened: #{count}")
    end

    # The child's side of a commission.
    #
    # @param mold_port [MoldPort] in the child that it had forked
    # @return [WorkerPort]
    def worker_port(mold_port)
      mold_port.take_worker(places(mold_port.nr), env_template, port_settings)
    end

    # In a process that serves no requests: it may take its time to end, and another server may want the address meanwhile.
    def close_listeners
      listeners.each(&:close)
      @listeners = []
    end

    # @return [Hash] what is the same in every env
    def env_template
      @env_template ||= RackEnv.template(configuration)
    end

    private

    def port_settings
      { timeout: configuration.timeout, **configuration.http }
    end

    # The method is the app's, and may fail itself.
    def message(error)
      error.message.to_s
    rescue StandardError => e
      "no message, for that raised #{e.class}"
    end

    # Terminals obey control characters, and clients may send long lines.
    def visible(part)
      part = text(part.to_s).gsub(/[[:cntrl:]\u2028\u2029]/) { |char| format("\\u%04x", char.ord) }
      part.length > LONGEST ? "#{part[0, LONGEST]}…" : part
    end

    # A request's bytes and a message in another encoding can't be joined as they are.
    def text(part)
      part.dup.force_encoding(Encoding::UTF_8).scrub
    end

    # Where worker `number` accepts: descriptor, and the name and port for requests that do not say which host they mean.
    def places(number)
      listeners.flat_map do |listener|
        name_and_port = name_and_port(listener)
        listener.ios_for(number).map { |io| [io.fileno, *name_and_port] }
      end
    end

    def name_and_port(listener)
      return ["localhost", 80] if listener.unix?

      address = listener.address
      # In a name, an IPv6 address stands in brackets (RFC 3875, section 4.1.14).
      [address.host.include?(":") ? "[#{address.host}]" : address.host, address.port]
    end
  end
end

# frozen_string_literal: true

require "logger"
require "pitchfork/listener"
require "pitchfork/rack_env"

module Pitchfork
  # What all processes of a server have in common, and the `server` that callbacks are given.
  class Server
    # Characters of what a client has sent that stand in a line of the log.
    LONGEST = 500
    private_constant :LONGEST

    attr_reader :configuration, :listeners, :scoreboard
    # @return [#call, nil] the Rack application; nil in the master
    attr_accessor :app

    # @param death_pipe [IO] its end of file says that the master is dead
    def initialize(configuration, listeners:, scoreboard:, death_pipe:)
      @configuration = configuration
      @listeners = listeners
      @scoreboard = scoreboard
      @death_pipe = death_pipe
      @app = configuration.app
      Pitchfork.listener_names = listeners.map(&:to_s)
    end

    # @return [Logger]
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
      trace = error.backtrace&.map { |line| "\n    #{line}" }
      what = Array(what).map { |part| visible(part) }
      logger.error([*what, ": ", message(error), " (#{error.class})", *trace].map { |part| text(part) }.join)
    end

    # The child's side of a commission.
    #
    # @param mold_port [MoldPort] in the child that it had forked
    # @return [WorkerPort]
    def worker_port(mold_port)
      mold_port.take_worker(listeners.map { |listener| place(listener) }, env_template, configuration.http)
    end

    # @return [Hash] what is the same in every env
    def env_template
      @env_template ||= RackEnv.template(configuration)
    end

    private

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

    # Descriptor, and the name and port for requests that do not say which host they mean.
    def place(listener)
      return [listener.fileno, "localhost", 80] if listener.unix?

      address = listener.address
      # In a name, an IPv6 address stands in brackets (RFC 3875, section 4.1.14).
      [listener.fileno, address.host.include?(":") ? "[#{address.host}]" : address.host, address.port]
    end
  end
end

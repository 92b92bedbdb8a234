# frozen_string_literal: true

require "pitchfork/boot_mold"
require "pitchfork/listener"
require "pitchfork/server"

module Pitchfork
  # The process that the user starts. Supervises; loads no app, forks no worker, has no threads.
  #
  # All decisions are made below Supervision#wait; what it answers is what needs Ruby.
  class Master
    SIGNALS = %i[QUIT TERM INT USR2 TTIN TTOU].freeze
    # Mean something in a later release. Without a trap they would end the master.
    PLANNED_SIGNALS = %i[HUP USR1 WINCH].freeze

    # What `after_worker_exit` learns about the worker.
    Departed = Struct.new(:nr, :generation, :pid, :requests_count) do
      def mold?
        false
      end
    end

    # Binds the listeners, so that a port in use is noticed before anything is booted.
    #
    # @raise [BindError]
    def self.start(configuration)
      configuration.warnings.each { |line| configuration.logger.warn(line) }
      listeners = []
      configuration.listeners.each { |spec| listeners << Listener.bind(spec, configuration.logger) }
      new(configuration, listeners)
    rescue StandardError
      listeners&.each(&:close)
      raise
    end

    def initialize(configuration, listeners)
      # Its only writer is this process: nobody else inherits it.
      death_pipe, @alive = IO.pipe
      @server = Server.new(configuration, listeners: listeners, scoreboard: Scoreboard.create, death_pipe: death_pipe)
      @adopts = Supervision.adopt_orphans
      @supervision = Supervision.new(settings(configuration), @server.scoreboard)
      @boot_mold = BootMold.new(@server, death_pipe, @supervision)
    end

    # @return [Integer, Mold] the exit status; in a boot mold that was forked, its role
    def run
      Process.setproctitle("pitchfork master")
      install_traps
      warn_about_orphans unless @adopts
      loop do
        name, *arguments = @supervision.wait
        case name
        when :exit then return finish(arguments.first)
        when :boot_mold then (mold = boot_mold(*arguments)) and return mold
        else __send__(name, *arguments)
        end
      end
    end

    private

    def settings(configuration)
      thresholds = configuration.refork_after || []
      {
        workers: configuration.worker_processes,
        refork_after: thresholds.grep(Integer),
        refork_repeats: thresholds.last != false,
        max_unavailable: configuration.refork_max_unavailable,
        promotion: configuration.promotion,
        spawn_timeout: configuration.spawn_timeout.to_f,
        retire_timeout: (configuration.timeout + configuration.cleanup_timeout).to_f,
        max_consecutive_spawn_errors: configuration.max_consecutive_spawn_errors,
        adopts: @adopts
      }
    end

    def install_traps
      SIGNALS.each { |signal| trap(signal) { @supervision.signal(signal) } }
      # A log takes locks, which a trap may not.
      PLANNED_SIGNALS.each { |signal| trap(signal) { $stderr.syswrite("pitchfork: SIG#{signal} has no effect yet\n") } }
      trap(:CHLD) {} # a handler of any kind makes the wait look for who has ended
    end

    def warn_about_orphans
      @server.logger.warn("this kernel does not make pitchfork a child subreaper (prctl PR_SET_CHILD_SUBREAPER), and it " \
                          "is not process 1: serving without reforking")
    end

    def boot_mold(generation)
      mold = @boot_mold.start(generation) or return
      # In the child. The pipe's end of file must come when the master dies.
      @alive.close
      @supervision.close
      mold
    end

    def listen
      @server.listeners.each do |listener|
        listener.listen
        log(:info, "listening on #{listener.url}")
      end
    rescue BindError
      finish(1) # the children notice that the master is gone
      raise
    end

    def log(level, text)
      @server.logger.public_send(level, text)
    rescue StandardError
      # A log that can't be written (a full disk, a closed pipe) must not end the server.
    end

    def server_ready
      @server.notify(:after_monitor_ready)
    end

    def worker_exited(number, generation, pid, status, requests)
      @server.notify(:after_worker_exit, Departed.new(number, generation, pid, requests), status)
    end

    def finish(status)
      (SIGNALS + PLANNED_SIGNALS + [:CHLD]).each { |signal| trap(signal, "DEFAULT") }
      @server.listeners.each(&:close)
      @supervision.close
      status
    end
  end
end

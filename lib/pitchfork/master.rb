# frozen_string_literal: true

require "pitchfork/boot_mold"
require "pitchfork/hot_restart"
require "pitchfork/pid_file"
require "pitchfork/privileges"
require "pitchfork/releases"
require "pitchfork/server"
require "pitchfork/supervision_settings"
require "pitchfork/terminal"

module Pitchfork
  # The process that the user starts. Supervises; loads no app, forks no worker, has no threads.
  #
  # All decisions are made below Supervision#wait; what it answers is what needs Ruby.
  class Master
    include HotRestart

    SIGNALS = %i[QUIT TERM INT HUP USR1 USR2 TTIN TTOU WINCH].freeze
    STOPS = %i[QUIT TERM INT].freeze

    # What `after_worker_exit` learns about the worker.
    Departed = Struct.new(:nr, :generation, :pid, :requests_count) do
      def mold?
        false
      end
    end

    # Binds the listeners, so that a port in use is noticed before anything is booted.
    #
    # @param release [Release] without listeners
    # @param deployment [Deployment, nil] what a hot restart evaluates; nil when the app is only an object in memory
    # @raise [BindError]
    def self.start(release, deployment = nil)
      configuration = release.configuration
      Privileges.of(configuration)
      release.boot_environment unless configuration.app
      listeners = Listeners.new
      release.listeners = listeners.bind(configuration.listeners, Log.new(configuration.logger))
      Process.setproctitle(PidFile::TITLE)
      pid_file = configuration.pid && PidFile.claim(configuration.pid)
      new(Releases.new(release, listeners, deployment), pid_file)
    rescue StandardError
      listeners&.close
      raise
    end

    # @param releases [Releases] of which the first has its listeners
    # @param pid_file [PidFile, nil]
    def initialize(releases, pid_file = nil)
      @releases = releases
      @pid_file = pid_file
      @notifier = Systemd.given.notifier { |complaint| log(:warn, complaint) }
      # Its only writer is this process: nobody else inherits it.
      @death_pipe, @alive = IO.pipe
      @scoreboard = Scoreboard.create
      @adopts = Supervision.adopt_orphans
      @supervision = Supervision.new(settings(releases.current), @scoreboard)
      @boot_mold = BootMold.new(@supervision, @scoreboard, @death_pipe)
      serve(releases.current)
    end

    # @return [Integer, Mold] the exit status; in a boot mold that was forked, its role
    def run
      install_traps
      warn_about_orphans unless @adopts
      @supervision.tick_every(@notifier.interval) if @notifier.interval
      loop do
        name, *arguments = @supervision.wait
        @notifier.stopping("stopping on SIG#{@stop}") if @stop
        case name
        when :exit then return finish(arguments.first)
        when :boot_mold then (mold = boot_mold(*arguments)) and return mold
        else __send__(name, *arguments)
        end
      end
    end

    private

    # From now on its callbacks and its logger are the master's.
    def serve(release)
      @server = Server.new(
        release.configuration, listeners: release.listeners, scoreboard: @scoreboard, death_pipe: @death_pipe
      )
      @server.counters = -> { @supervision.counters }
    end

    def settings(release)
      SupervisionSettings.of(release.configuration, adopts: @adopts)
    end

    def install_traps
      SIGNALS.each { |signal| trap(signal) { @supervision.signal(signal) } }
      STOPS.each { |signal| trap(signal) { @supervision.signal(@stop = signal) } }
      # The kernel sends it to all in the foreground of a terminal whose size has changed.
      trap(:WINCH) { @supervision.signal(:WINCH) unless Terminal.foreground? }
      trap(:CHLD) {} # a handler of any kind makes the wait look for who has ended
    end

    def warn_about_orphans
      @server.log.warn("this kernel does not make pitchfork a child subreaper (prctl PR_SET_CHILD_SUBREAPER), and it " \
                       "is not process 1: serving without reforking")
    end

    def boot_mold(generation, version)
      @notifier.status("loading the app, version #{version}")
      mold = @boot_mold.start(@server, @releases.boot(version), generation) or return
      # In the child. The pipe's end of file must come when the master dies.
      @alive.close
      @supervision.close
      @server.counters = nil
      mold
    end

    def listen
      first = @releases.current.listeners.none?(&:listening?)
      @releases.silent_listeners.each do |listener|
        listener.listen
        log(:info, "listening on #{listener.url}#{listener.origin}")
      rescue BindError => e
        raise if first

        log(:error, e.message)
      end
    rescue BindError
      finish(1) # the children notice that the master is gone
      raise
    end

    def log(level, text)
      @server.log.public_send(level, text)
    end

    def server_ready
      @notifier.ready("serving")
      @server.notify(:after_monitor_ready)
    end

    # For the watchdog: this loop goes round.
    def tick
      @notifier.alive
    end

    # A process that is just being started sees from the scoreboard that it has to.
    def usr1
      @scoreboard.begin_log_epoch
      @server.reopen_logs
      @supervision.pids.each do |pid|
        Process.kill(:USR1, pid)
      rescue Errno::ESRCH
        next # it has ended, and nobody has looked yet
      end
    end

    def worker_exited(number, generation, pid, status, requests)
      @server.notify(:after_worker_exit, Departed.new(number, generation, pid, requests), status)
    end

    def hard_timeout(number, generation, pid, requests)
      @server.notify(:after_worker_hard_timeout, Departed.new(number, generation, pid, requests))
    end

    def finish(status)
      [*SIGNALS, :CHLD].each { |signal| trap(signal, "DEFAULT") }
      @notifier.stopping("stopping")
      @releases.close
      @supervision.close
      @pid_file&.release
      status
    end
  end
end

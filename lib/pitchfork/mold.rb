# frozen_string_literal: true

require "pitchfork/app"
require "pitchfork/child"
require "pitchfork/child_fork"
require "pitchfork/preparation"
require "pitchfork/sibling_fork"

module Pitchfork
  # The process that workers are forked from. Serves no requests.
  #
  # It is silent between its preparation and its end: waiting and forking allocate nothing here, for every page that the
  # mold writes is one less that it shares with the workers it has forked before.
  class Mold
    include Child

    # In the process that the master has executed.
    #
    # @param given [Inheritance]
    def self.inherit(configuration, given)
      server = Server.new(
        configuration,
        listeners: configuration.listeners.zip(given.sockets).map { |spec, number| Listener.inherit(spec, number) },
        scoreboard: Scoreboard.attach(given.scoreboard), death_pipe: IO.for_fd(given.death_pipe)
      )
      new(server, MoldPort.new(given.channel, given.death_pipe, server.scoreboard, given.generation), booted: true)
    end

    # @param booted [Boolean] whether the app is yet to be loaded
    # @param requests_count [Integer] served by this process when it was a worker
    def initialize(server, port, booted: false, requests_count: 0)
      @server = server
      @port = port
      @booted = booted
      @requests_count = requests_count
    end

    attr_reader :requests_count

    # @return [Integer]
    def generation
      @port.generation
    end

    # A mold has no number.
    #
    # @return [nil]
    def nr
      nil
    end

    def mold?
      true
    end

    # @return [Worker, Integer] in a forked child its role; in the mold its exit status
    def run
      prepare
      @port.ready
      while @port.wait == :spawn
        worker = fork_worker
        return worker if worker
      end
      @port.close
      0
    end

    private

    # Loading an app or running its hooks may take minutes, and there is nothing to finish: so a dead master ends it without
    # a safe point. If it died before we asked for that, nobody hears the hello.
    def prepare
      MoldPort.die_with_master(true)
      trap_signals
      boot if @booted
      title("preparing")
      @server.callback(:after_mold_fork, self)
      # Looked up now: the way to a callback allocates.
      @before_fork = @server.configuration.callback(:before_fork)
      Preparation.call
      MoldPort.die_with_master(false)
      title
    end

    def boot
      title("booting")
      exit!(1) unless @port.hello
      isolate
      @server.app = App.load(@server.configuration)
      @server.env_template
    end

    # @return [Worker, nil] nil in the mold
    def fork_worker
      return unless permitted?

      child = (@port.sibling? ? SiblingFork : ChildFork).call
      return Worker.new(@server, @server.worker_port(@port)) if child

      @port.commission_done(nil)
      nil
    rescue SystemCallError, ForkFailure => e
      @server.report("fork failed", e)
      fork_failed(e.is_a?(SystemCallError) ? e.errno : 0)
    end

    # Not by Server#notify, which allocates.
    def permitted?
      @before_fork&.call(@server)
      true
    rescue StandardError, ScriptError => e
      @server.report("before_fork raised", e)
      fork_failed(0)
    end

    # @return [nil]
    def fork_failed(errno)
      @port.commission_done(errno)
      nil
    end

    def title(status = nil)
      Process.setproctitle(["pitchfork mold (gen:#{generation})", status].compact.join(" - "))
    end
  end
end

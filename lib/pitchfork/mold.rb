# frozen_string_literal: true

require "pitchfork/app"
require "pitchfork/child"
require "pitchfork/child_fork"
require "pitchfork/late_yjit"
require "pitchfork/mold_check"
require "pitchfork/mold_notes"
require "pitchfork/preparation"
require "pitchfork/privileges"
require "pitchfork/service_worker"
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
        listeners: given.listeners(configuration.listeners),
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

    # @return [Worker, ServiceWorker, Integer] in a forked child its role; in the mold its exit status
    def run
      return 1 unless prepare

      @port.ready
      while (order = @port.wait) != :retire
        next @server.reopen_logs if order == :reopen_logs

        worker = fork_worker
        return worker if worker
      end
      @port.close
      0
    end

    private

    # Loading an app or running its hooks may take minutes, and there is nothing to finish: so a dead master ends it without
    # a safe point. If it died before we asked for that, nobody hears the hello.
    #
    # @return [Boolean] whether this mold can be used
    def prepare
      MoldPort.die_with_master(true)
      trap_signals
      @server.oom_score.become(:mold)
      @booted ? boot : LateYjit.promoted(@server.configuration)
      title("preparing")
      @server.callback(:after_mold_fork, self)
      check = MoldCheck.new(@server, self, promoted: !@booted)
      return false unless check.state_good?

      # Looked up now: the way to a callback allocates.
      @before_fork = @server.configuration.callback(:before_fork)
      catch_up_on_logs
      prepare_memory
      return false unless check.probe_good?

      MoldPort.die_with_master(false)
      title
      true
    end

    # All that is said about it is said before the GC is off, for it allocates.
    def prepare_memory
      wanted = @server.configuration.mold_preparation
      preparation = Preparation.new(wanted)
      preparation.call do |notes|
        publish(notes, preparation)
        @server.log.info("mold gen=#{generation} pid=#{pid} prepared in #{preparation}") unless wanted.empty?
      end
    end

    # Without them, `pitchfork cow` knows less about the workers, and nothing else is wrong.
    def publish(notes, preparation)
      steps = preparation.steps.map { |step| [step.name.to_s, step.seconds, step.change] }
      notes.publish(generation, preparation.before, steps, RUBY_VERSION, MoldNotes.settings(@server.configuration))
    rescue SystemCallError => e
      @server.log.warn("mold gen=#{generation} pid=#{pid} could not leave its notes: #{e.message}")
    end

    def boot
      title("booting")
      become_the_user
      exit!(1) unless @port.hello
      isolate
      @server.app = App.load(@server.configuration)
      complaint = LateYjit.complaint(@server.configuration)
      @server.log.warn(complaint) if complaint
      @server.env_template
    end

    # Before any code of the app runs. The kernel forgets who dies with whom when the user changes.
    def become_the_user
      Privileges.of(@server.configuration)&.drop
      MoldPort.die_with_master(true)
    end

    # @return [Worker, ServiceWorker, nil] nil in the mold
    def fork_worker
      return unless permitted?

      child = (@port.sibling? ? SiblingFork : ChildFork).call
      return role if child

      @port.commission_done(nil)
      nil
    rescue SystemCallError, ForkFailure => e
      @server.report("fork failed", e)
      fork_failed(e.is_a?(SystemCallError) ? e.errno : 0)
    end

    # In the child.
    def role
      return ServiceWorker.new(@server, @port.take_service) if @port.service?

      Worker.new(@server, @server.worker_port(@port))
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

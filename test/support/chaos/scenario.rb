# frozen_string_literal: true

require "forwardable"

module Chaos
  # The end of a run: the server, or a process of it, does not do what it must.
  Trouble = Class.new(StandardError)

  # A kind of fault, done to a server again and again. A subclass says what with {#strike}.
  class Scenario
    extend Forwardable

    # A number of faults at once. Recovery begins at `since`, when the last of them was over, and is without these processes.
    Strike = Struct.new(:faults, :since, :gone)
    # On a busy machine a process has to be given the processor before it can stand still.
    PATIENCE = 10
    private_constant :PATIENCE

    class << self
      # @return [Array<Class>] all scenarios, in the order of their definition
      def all
        @all ||= []
      end

      def inherited(scenario)
        super
        Scenario.all << scenario
      end

      # @return [String] "KillOneWorker" is "kill-one-worker"
      def title
        name[/\w+\z/].gsub(/(?<=[a-z])(?=[A-Z])/, "-").downcase
      end

      # @return [String, nil] why it can't run here; nil: it can
      def impossible; end

      # @return [Float] seconds that the settings of {Site} add until the server may be at full strength again
      def patience
        0.0
      end

      # @return [Boolean] whether a process may crash of the fault, without a blow
      def fatal?
        false
      end

      # @return [Float] seconds that a process that was struck may stay, and its request with it
      def stay
        0.0
      end
    end

    attr_reader :target, :ledger, :random

    def_delegators :target, :processes, :now

    # @param directory [String] the server's
    def initialize(directory, ledger, random)
      @directory = directory
      @ledger = ledger
      @random = random
    end

    # Starts the server.
    #
    # @return [Float] seconds until full strength
    def start
      @target = Target.new(@directory, workers: workers, config: config, env: env, wrapper: wrapper)
      @target.start
    end

    # Does harm. Answers when it is over, though not what follows from it.
    #
    # @return [Strike]
    def strike
      raise NotImplementedError, "#{self.class}#strike"
    end

    # What a scenario may have otherwise.

    def workers
      4
    end

    def config
      ""
    end

    def env
      {}
    end

    def wrapper
      []
    end

    # @return [Array<Symbol>] of {Load::KINDS}
    def kinds
      Load::USUAL
    end

    private

    # @return [Array<Processes::Entry>]
    def all_workers
      processes.children.select(&:worker?)
    end

    def all_molds
      processes.children.select(&:mold?)
    end

    # @return [Processes::Entry, nil] one of these, as the seed wills
    def one(entries)
      entries.sample(random: random)
    end

    # Time passes: a random part of this many seconds.
    def wander(seconds)
      sleep(random.rand * seconds)
    end

    # Stops processes, notes which requests they have, and lets them have the signal.
    #
    # @return [Strike]
    def blow(signal, *victims)
      victims = victims.compact.select { |victim| halt(victim) }
      at = now
      victims.each { |victim| ledger.struck(victim.pid, target.held_by(victim.pid), at) }
      victims.each { |victim| give(signal, victim.pid) }
      Strike.new(victims.size, now, victims.map(&:pid))
    end

    # @return [Boolean] whether it stands still
    def halt(victim)
      give(:STOP, victim.pid)
      latest = now + PATIENCE
      until (entry = Processes.entry(victim.pid)).nil? || "ZX".include?(entry.state)
        return true if entry.state == "T"
        raise Trouble, "#{victim.title} #{victim.pid} does not stop, and is in state #{entry.state}" if now > latest

        sleep(0.0005)
      end
      false
    end

    def give(signal, pid)
      Process.kill(signal, pid)
      Process.kill(:CONT, pid) unless %i[KILL STOP].include?(signal)
    rescue Errno::ESRCH
      nil # was quicker
    end

    # A hook that fails for as long as the block runs.
    def with_hook(hook, fault)
      target.switch(hook, fault)
      yield
    ensure
      target.switch(hook, nil)
    end

    def refork
      Process.kill(:USR2, processes.master)
    end
  end
end

# frozen_string_literal: true

require "pitchfork/boot_environment"
require "pitchfork/inheritance"
require "pitchfork/mold"
require "pitchfork/ruby_command"

module Pitchfork
  # A mold that loads the app, from the viewpoint of the master that starts it.
  #
  # It is a new process that executes Ruby again, so that the app is loaded into a clean address space and the master stays
  # small. An app that is only an object in memory can't be loaded again: then the boot mold is a plain fork.
  class BootMold
    # @param death_pipe [IO] see {Server#initialize}
    def initialize(supervision, scoreboard, death_pipe)
      @supervision = supervision
      @scoreboard = scoreboard
      @death_pipe = death_pipe
    end

    # @param server [Server] the master's own
    # @param release [Release] whose app is to be loaded
    # @return [Mold, nil] its role in a forked child, nil in the master
    def start(server, release, generation)
      return fork_mold(server, generation) if release.configuration.app

      release.boot_environment.remarks.each { |level, text| server.log.public_send(level, text) }
      @supervision.booted(spawn_mold(release, generation))
      nil
    rescue SystemCallError => e
      server.report("the boot mold could not be started", e)
      @supervision.booted(nil)
      nil
    end

    private

    def fork_mold(server, generation)
      complaint = BootEnvironment.unused(server.configuration)
      server.log.warn(complaint) if complaint
      channel = @supervision.boot_channel
      if (pid = Process.fork)
        @supervision.booted(pid)
        nil
      else
        Mold.new(server, MoldPort.new(channel, server.death_pipe, @scoreboard, generation), booted: true)
      end
    end

    # @return [Integer] pid
    def spawn_mold(release, generation)
      own = release.boot_environment
      given = Inheritance.new(
        generation: generation, channel: @supervision.boot_channel, death_pipe: @death_pipe.fileno,
        scoreboard: @scoreboard.fileno, sockets: release.listeners.map(&:descriptors),
        variables: own.variables.keys
      )
      Process.spawn(
        release.environment.merge(own.variables, given.environment, Systemd.given.environment),
        *RubyCommand.pitchfork(release.configuration.argv, own.flags),
        unsetenv_others: true, chdir: release.directory, **given.descriptors.to_h { |number| [number, number] }
      )
    end
  end
end

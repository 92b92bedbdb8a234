# frozen_string_literal: true

require "pitchfork/inheritance"
require "pitchfork/mold"
require "pitchfork/ruby_command"

module Pitchfork
  # The mold of generation 0, from the viewpoint of the master that starts it.
  #
  # It is a new process that executes Ruby again, so that the app is loaded into a clean address space and the master stays
  # small. An app that is only an object in memory can't be loaded again: then the boot mold is a plain fork.
  class BootMold
    def initialize(server, death_pipe, supervision)
      @server = server
      @death_pipe = death_pipe
      @supervision = supervision
    end

    # @return [Mold, nil] its role in a forked child, nil in the master
    def start(generation)
      if @server.configuration.app
        fork_mold(generation)
      else
        @supervision.booted(spawn_mold(generation))
        nil
      end
    rescue SystemCallError => e
      @server.report("the boot mold could not be started", e)
      @supervision.booted(nil)
      nil
    end

    private

    def fork_mold(generation)
      channel = @supervision.boot_channel
      if (pid = Process.fork)
        @supervision.booted(pid)
        nil
      else
        Mold.new(@server, MoldPort.new(channel, @server.death_pipe, @server.scoreboard, generation), booted: true)
      end
    end

    # @return [Integer] pid
    def spawn_mold(generation)
      given = Inheritance.new(
        generation: generation, channel: @supervision.boot_channel, death_pipe: @death_pipe.fileno,
        scoreboard: @server.scoreboard.fileno, sockets: @server.listeners.map(&:fileno)
      )
      Process.spawn(
        given.environment, *RubyCommand.pitchfork(@server.configuration.argv),
        chdir: RubyCommand::DIRECTORY, **given.descriptors.to_h { |number| [number, number] }
      )
    end
  end
end

# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  # What the boot mold inherits from the master that executes it: the numbers of descriptors, told in an environment
  # variable. Both are taken back before any code of the user runs, so that no program that it starts inherits them.
  # `sockets` are those of each listener: [[5], [6, 7]]; `variables` the names of what {BootEnvironment} has put in the environment.
  Inheritance = Struct.new(:generation, :channel, :death_pipe, :scoreboard, :sockets, :variables, keyword_init: true)

  class Inheritance
    VARIABLE = "PITCHFORK_BOOT"
    OTHERS = "PITCHFORK_BOOT_VARIABLES"

    # @return [Inheritance, nil] nil in a process that no master has executed
    def self.take
      text = ENV.delete(VARIABLE) or return
      variables = ENV.delete(OTHERS).to_s.split(",").each { |name| ENV.delete(name) }
      groups = text.split(",").map { |group| group.split("+").map { |number| Integer(number, 10) } }
      generation, channel, death_pipe, scoreboard = groups.shift(4).flatten
      new(
        generation: generation, channel: channel, death_pipe: death_pipe, scoreboard: scoreboard, sockets: groups, variables: variables
      ).tap(&:keep_to_ourselves)
    end

    # @return [Array<Integer>]
    def descriptors
      [channel, death_pipe, scoreboard, *sockets.flatten]
    end

    # @return [Hash{String => String}] for the environment of the boot mold
    def environment
      {
        VARIABLE => [generation, channel, death_pipe, scoreboard, *sockets.map { |queues| queues.join("+") }].join(","),
        OTHERS => variables.join(",")
      }
    end

    # The master evaluates the configuration and binds; this process evaluates it again.
    #
    # @param specs [Array<ListenerSpec>]
    # @return [Array<Listener>]
    # @raise [BootFailure] when they are not those of the master
    def listeners(specs)
      raise BootFailure, Listener::CHANGED unless specs.size == sockets.size

      specs.zip(sockets).map { |spec, numbers| Listener.inherit(spec, numbers) }
    end

    def keep_to_ourselves
      descriptors.each { |number| IO.for_fd(number, autoclose: false).close_on_exec = true }
    end
  end
end

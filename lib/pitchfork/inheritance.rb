# frozen_string_literal: true

module Pitchfork
  # What the boot mold inherits from the master that executes it: the numbers of descriptors, told in an environment
  # variable. Both are taken back before any code of the user runs, so that no program that it starts inherits them.
  Inheritance = Struct.new(:generation, :channel, :death_pipe, :scoreboard, :sockets, keyword_init: true)

  class Inheritance
    VARIABLE = "PITCHFORK_BOOT"

    # @return [Inheritance, nil] nil in a process that no master has executed
    def self.take
      text = ENV.delete(VARIABLE) or return
      generation, channel, death_pipe, scoreboard, *sockets = text.split(",").map { |number| Integer(number, 10) }
      new(generation: generation, channel: channel, death_pipe: death_pipe, scoreboard: scoreboard, sockets: sockets)
        .tap(&:keep_to_ourselves)
    end

    # @return [Array<Integer>]
    def descriptors
      [channel, death_pipe, scoreboard, *sockets]
    end

    # @return [Hash{String => String}] for the environment of the boot mold
    def environment
      { VARIABLE => [generation, *descriptors].join(",") }
    end

    def keep_to_ourselves
      descriptors.each { |number| IO.for_fd(number, autoclose: false).close_on_exec = true }
    end
  end
end

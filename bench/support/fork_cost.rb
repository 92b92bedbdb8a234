# frozen_string_literal: true

require "json"
require "socket"
require_relative "memory"

module Bench
  # How long a mold stands still for one worker, measured where it happens: in the mold, when it is prepared and about to fork its
  # first worker. A server's configuration loads this file and calls {measure} in `before_fork`.
  #
  # The same is done without pitchfork's code, in the same process and so with the same heap, in turn: nothing but the code differs.
  module ForkCost
    # Ways to fork a worker, given what the worker does; who forks a child answers its pid, for somebody has to wait for it.
    KINDS = {
      "fork" => ->(worker) { Process.fork(&worker) },
      "fork + fork" => lambda do |worker|
        middle = Process.fork do
          Process.fork(&worker)
          exit!(0)
        end
        Process.wait(middle)
        nil
      end,
      "SiblingFork" => ->(worker) { worker.call if ::Pitchfork::SiblingFork.call }
    }.freeze
    # What the others are compared with: the two processes that a sibling takes, and nothing else.
    BASE = "fork + fork"
    # Of each kind, in each mold.
    TIMES = 40

    @measured = nil

    module_function

    # Adds a line of JSON to a file: the milliseconds of each kind, and the MiB that this process has mapped. Only once in the life
    # of a process.
    #
    # @param path [String]
    def measure(path)
      return if @measured == Process.pid

      @measured = Process.pid
      memory = Memory.of(Process.pid)
      milliseconds = KINDS.transform_values { [] }
      # Each starts as often as the others: none always follows the same one.
      TIMES.times { |turn| KINDS.to_a.rotate(turn).each { |name, kind| milliseconds[name] << time(kind) } }
      line = JSON.generate("mapped" => memory.private + memory.shared, "milliseconds" => milliseconds)
      File.write(path, "#{line}\n", mode: "a")
    end

    # The worker lives until the time is taken, as a real one does, and has given back its memory before the next is forked: its end
    # costs neither of them anything.
    #
    # @param kind [Proc] of {KINDS}
    # @return [Float] milliseconds
    def time(kind)
      mine, theirs = UNIXSocket.pair
      worker = lambda do
        theirs.read
        exit!(0)
      end
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond)
      child = kind.call(worker)
      took = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond) - began
      theirs.close
      mine.close_write # lets the worker end
      mine.read # until the last copy of the other end is closed, by the end of a process
      mine.close
      Process.wait(child) if child
      took
    end
  end
end

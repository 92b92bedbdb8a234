# frozen_string_literal: true

require "io/wait"
require "pitchfork/mold_check/chores"

module Pitchfork
  class MoldCheck
    # A child forked from the mold that does a worker's {Chores} and ends, as seen by the mold.
    #
    # It is forked from the prepared heap, as workers are, and the mold is silent by then: so all that the mold needs is made
    # before, and while the probe does well nothing is allocated here.
    class Probe
      DONE = "."
      FAILED = "!"
      SIZE = 1024 # of what the probe can say: a digit for each step that it begins, then how it ended
      private_constant :DONE, :FAILED, :SIZE

      # @param seconds [Float] that it may take
      def initialize(seconds)
        @seconds = seconds
        @reader, @writer = IO.pipe
        @said = String.new(capacity: SIZE)
        @piece = String.new(capacity: SIZE)
      end

      # @return [String, nil] what is wrong with a process forked from here
      def complaint
        pid = start
        @writer.close
        ended = listen(now + @seconds)
        return bury(pid, ended) unless @said.end_with?(DONE)

        MoldPort.reap(pid)
        nil
      rescue SystemCallError => e
        "no process could be forked from it: #{e.message}"
      ensure
        @reader.close
      end

      private

      # What a fork hook of the app raises in the child must not unwind into the frames of the mold.
      def start
        mold = Process.pid
        MoldPort.bind_children(true)
        Process.fork || work
      rescue Exception => e # rubocop:disable Lint/RescueException
        raise if Process.pid == mold

        give_up(e)
      ensure
        MoldPort.bind_children(false)
      end

      # In the probe. It never returns, and runs no at_exit handler.
      def work
        Chores::STEPS.each_value.with_index do |chore, index|
          @writer.syswrite(index.to_s)
          Chores.public_send(chore)
        end
        @writer.syswrite(DONE)
        exit!(0)
      end

      def give_up(error)
        @writer.syswrite("#{FAILED}#{error.class}: #{error.message}".byteslice(0, SIZE / 2) << "\n")
      ensure
        exit!(1)
      end

      # @return [Boolean] whether it has come to an end in time
      def listen(deadline)
        until @said.end_with?(DONE)
          left = deadline - now
          return false unless left.positive?
          next unless @reader.wait_readable(left)
          return true unless @reader.read_nonblock(SIZE, @piece, exception: false)

          @said << @piece
        end
        true
      end

      # Kills it, if it has not ended, and says how it fared.
      def bury(pid, ended)
        Process.kill(:KILL, pid) unless ended
        _, status = Process.wait2(pid)
        "a process forked from it #{fate(ended, status)}; look for a library that keeps a lock or a thread across a fork, " \
          "and for what runs after a fork"
      end

      def fate(ended, status)
        reached, failed, error = @said.force_encoding(Encoding::UTF_8).scrub.partition(FAILED)
        place = reached.empty? ? "the fork" : Chores::STEPS.keys[reached.size - 1]
        return "hung at #{place} for #{@seconds}s and was killed" unless ended
        return "failed at #{place}: #{error.chomp}" unless failed.empty?

        "ended at #{place} (#{status.to_s.sub(/\Apid \d+ /, "")})"
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end

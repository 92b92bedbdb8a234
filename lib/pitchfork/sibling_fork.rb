# frozen_string_literal: true

module Pitchfork
  # Forks a sibling instead of a child: forks twice, and the process in the middle ends at once, so that the kernel gives
  # the orphan to the master, which is a child subreaper.
  module SiblingFork
    # @return [Boolean] true in the sibling, false here
    # @raise [ForkFailure] when the process in the middle could not fork
    # @raise [SystemCallError] when this one could not
    def self.call
      MoldPort.may_fork
      if (middle = Process.fork)
        return false if MoldPort.reap(middle)

        raise ForkFailure, "the intermediate process #{middle} could not fork"
      end

      # `exit!`, because at_exit handlers and native libraries' exit handlers are the original's.
      middle = Process.pid
      begin
        MoldPort.may_fork
        exit!(0) if Process.fork
      rescue SystemCallError
        exit!(1)
      end
      MoldPort.await_end(middle)
      true
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  # Forks an ordinary child, where the kernel would not give a sibling to the master. Nobody but the mold can wait for it
  # when it ends, then.
  module ChildFork
    @pids = []

    class << self
      # @return [Boolean] true in the child, false here
      # @raise [SystemCallError]
      def call
        MoldPort.may_fork
        trap(:CHLD) { reap }
        pid = Process.fork or return true

        @pids << pid
        false
      end

      private

      # Only our own: another child may be waited for by who has started it.
      def reap
        @pids.reject! { |pid| Process.wait(pid, Process::WNOHANG) }
      end
    end
  end
end

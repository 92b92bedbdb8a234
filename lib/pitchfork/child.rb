# frozen_string_literal: true

require "pitchfork/preparation"

module Pitchfork
  # What molds and workers have in common: they are children of the master.
  module Child
    # @return [Integer]
    def pid
      Process.pid
    end

    private

    # The master's signals mean nothing here. QUIT and TERM: finish and go. INT: go, even from the middle of C code.
    def trap_signals
      %i[QUIT TERM].each { |signal| trap(signal) { @port.leave } }
      %i[INT HUP CHLD].each { |signal| trap(signal, "SYSTEM_DEFAULT") }
      trap(:URG, "SYSTEM_DEFAULT") # a worker's, which a mold may have been
      trap(:USR1) { @port.reopen_logs }
      # Meant for the master, and sometimes sent to a whole process group.
      %i[USR2 TTIN TTOU WINCH].each { |signal| trap(signal) {} }
    end

    # A process that was just forked from a mold.
    def leave_the_mold_behind
      Preparation.release
      title("starting")
      trap_signals
      isolate
      @server.oom_score.become(:worker)
    end

    # The master has sent USR1 to all that could hear it, and this process could not yet.
    def catch_up_on_logs
      @server.reopen_logs unless LogFiles.epoch == @server.scoreboard.log_epoch
    end

    # Leads a process group of its own, so that a signal of the terminal reaches the master only.
    def isolate
      Process.setpgid(0, 0) if @server.configuration.setpgid
    end
  end
end

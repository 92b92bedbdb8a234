# frozen_string_literal: true

module Pitchfork
  # The terminal that the process was started from, if there is one.
  module Terminal
    STAT = "/proc/self/stat"

    # Whether what a user does there is told to this process: it is in the terminal's foreground process group. One that was
    # started with `&`, or by a service manager, is not; one whose input and output are redirected may be. It changes with `fg`
    # and `bg`, so that it has to be asked each time. May be asked within a trap.
    #
    # @return [Boolean] false also where /proc is not mounted
    def self.foreground?
      # What comes before may contain anything: it is the program's name. See proc_pid_stat(5).
      _state, _ppid, pgrp, _session, _tty, tpgid = File.read(STAT).rpartition(")").last.split
      pgrp == tpgid
    rescue SystemCallError
      false
    end
  end
end

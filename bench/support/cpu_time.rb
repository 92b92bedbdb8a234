# frozen_string_literal: true

require "etc"

module Bench
  # Processor time of processes: what a request costs the server, whether or not something else kept the machine busy.
  module CpuTime
    TICKS = Etc.sysconf(Etc::SC_CLK_TCK)
    private_constant :TICKS

    # @param pids [Array<Integer>]
    # @return [Float] seconds in user and kernel mode since the processes started, all their threads
    # @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html utime (14) and stime (15)
    def self.of(pids)
      pids.sum { |pid| File.read("/proc/#{pid}/stat").rpartition(")").last.split[11, 2].sum(&:to_i) } / TICKS.to_f
    end
  end
end

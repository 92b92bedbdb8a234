# frozen_string_literal: true

module Pitchfork
  # In which order the kernel kills when memory runs out (proc_pid_oom_score_adj(5)): workers before the mold, which takes
  # longer to replace, and the mold before the master, which nobody replaces.
  class OomScore
    FILE = "/proc/self/oom_score_adj"
    STEPS = { mold: 100, worker: 200 }.freeze
    MOST = 1000

    # In the master, or in the boot mold that has inherited the master's value: that is what the others are relative to.
    #
    # @param logger [Logger]
    def initialize(wanted, logger, file = FILE)
      @wanted = wanted
      @logger = logger
      @file = file
      @base = Integer(File.read(@file), 10) if wanted
    rescue SystemCallError => e
      failed("read", e)
    end

    # A worker that becomes a mold goes back: the kernel lets it, down to what was set with CAP_SYS_RESOURCE last.
    #
    # @param role [Symbol] :mold or :worker
    def become(role)
      return unless @base

      value = [@base + STEPS.fetch(role), MOST].min
      File.write(@file, value.to_s)
    rescue SystemCallError => e
      failed("set to #{value}", e)
    end

    private

    # Not worth more than that: the machine works as it would without us.
    def failed(what, error)
      @logger.debug("oom_score_adj could not be #{what}: #{error.message}")
    end
  end
end

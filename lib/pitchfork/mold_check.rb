# frozen_string_literal: true

require "pitchfork/mold_check/probe"
require "pitchfork/mold_check/sockets"
require "pitchfork/mold_check/threads"

module Pitchfork
  # Finds out whether workers can be forked from this mold, before it says that it is ready and others depend on it.
  #
  # In a mold that was a worker every complaint is the end of it, for the older mold is still there. A boot mold
  # has nobody behind it, and what the app does at its boot may be on purpose: only `mold_check` itself can end it.
  class MoldCheck
    # @param server [Server]
    # @param mold [Mold] this process
    # @param promoted [Boolean] whether it has served as a worker
    def initialize(server, mold, promoted:)
      @server = server
      @mold = mold
      @promoted = promoted
      @probe = Probe.new(server.configuration.spawn_timeout / 2.0)
    end

    # Before the preparation of the heap, for this allocates. The user's own check comes first, so that what it leaves behind
    # is found.
    #
    # @return [Boolean] whether the mold may go on
    def state_good?
      [callback_content?, threads_good?, sockets_good?].all?
    end

    # After the preparation, so that the probe has what a worker will have.
    #
    # @return [Boolean] whether the mold may go on
    def probe_good?
      complaint = @probe.complaint
      complaint.nil? || accept?([complaint], fatal: @promoted)
    end

    private

    def callback_content?
      return true unless @server.configuration.callback(:mold_check)&.call(@mold) == false

      accept?(["mold_check answered false"], fatal: true)
    rescue StandardError, ScriptError => e
      @server.report("mold check failed: mold_check raised", e)
      false
    end

    def threads_good?
      accept?(Threads.complaints, fatal: @promoted)
    end

    # A socket that nobody has closed may be garbage, and one that `before_fork` closes is not inherited.
    def sockets_good?
      GC.start if Sockets.any?
      @server.notify(:before_fork) if Sockets.any?
      accept?(Sockets.complaints, fatal: @promoted && @server.configuration.mold_sockets == :refuse)
    end

    # @return [Boolean] whether the mold may go on in spite of the complaints
    def accept?(complaints, fatal:)
      complaints.each do |complaint|
        fatal ? @server.log.error("mold check failed: #{complaint}") : @server.log.warn("mold check: #{complaint}")
      end
      complaints.empty? || !fatal
    end
  end
end

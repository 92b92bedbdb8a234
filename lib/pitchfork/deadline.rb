# frozen_string_literal: true

module Pitchfork
  # The time that a request may take, for its app: `env["pitchfork.timeout"]`. Points of time are seconds of the clock that
  # `Process.clock_gettime(Process::CLOCK_MONOTONIC)` shows, which stands still while the machine is suspended.
  #
  # When the request is over, all of it answers nil and changes nothing: a later request has a deadline of its own.
  #
  #   env["pitchfork.timeout"].extend_deadline(30)     # this report takes longer
  #   env["pitchfork.timeout"].deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 1
  module Deadline
    # @!attribute [rw] deadline
    #   @return [Float, nil] when the request will be late. Float::INFINITY, set, means never

    # @param seconds [Numeric] how much later; a negative number: how much sooner
    # @return [Float, nil] the new deadline
    def extend_deadline(seconds)
      before = deadline or return
      self.deadline = before + seconds
      deadline
    end

    # @return [Float, nil] seconds left; less than 0 when the request is late already
    def remaining
      at = deadline or return
      at - Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  # Signals that mean something else for a while.
  module Traps
    # Runs a block while signals have another meaning; then they mean again what they meant before.
    #
    # A HUP that is ignored stays so: nohup(1) has switched it off. No other: a shell that is not interactive starts what it
    # puts into the background with INT ignored, and then whoever sends one means it.
    #
    # @param signals [Array<String>] such as "INT"
    # @param meaning [#call] gets the signal; is called by a signal handler
    def self.during(signals, meaning)
      before = {}
      signals.each do |signal|
        before[signal] = trap(signal) { meaning.call(signal) }
        trap(signal, "IGNORE") if signal == "HUP" && before[signal] == "IGNORE"
      end
      yield
    ensure
      before&.each { |signal, handler| trap(signal, handler || "DEFAULT") }
    end
  end
end

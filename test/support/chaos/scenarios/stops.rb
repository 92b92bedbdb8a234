# frozen_string_literal: true

module Chaos
  # A worker that does not move any more, whatever it was doing, is replaced.
  class StopOneWorker < Scenario
    # It counts as stopped after a second.
    def self.patience
      1.0
    end

    # Then it is asked to go, and has the time of a request for it.
    def self.stay
      1.0 + 2.5
    end

    def strike
      stand_still(one(all_workers))
    end

    private

    # As a blow, but nobody lets it go on.
    def stand_still(*victims)
      victims = victims.compact.select { |victim| halt(victim) }
      at = now
      victims.each { |victim| ledger.struck(victim.pid, target.held_by(victim.pid), at) }
      Strike.new(victims.size, at, victims.map(&:pid))
    end
  end

  class StopTheMold < StopOneWorker
    def strike
      stand_still(*all_molds)
    end
  end

  # A short pause costs nobody anything: no request, and no process.
  class PauseAnybody < Scenario
    def strike
      victims = processes.children.sample(random.rand(1..3), random: random).select { |victim| halt(victim) }
      wander(0.5)
      victims.each { |victim| give(:CONT, victim.pid) }
      Strike.new(victims.size, now, [])
    end
  end
end

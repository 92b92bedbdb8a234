# frozen_string_literal: true

module Chaos
  # The mold to be dies while it is promoted or prepares itself, or the worker dies that is asked to become it.
  class KillTheCandidate < Scenario
    def strike
      newest = all_molds.map(&:generation).max || 0
      refork
      candidate = random.rand < 0.3 ? asked : preparing(newest)
      wander(0.03)
      blow(:KILL, candidate)
    end

    private

    # The first worker is as good a guess as any.
    def asked
      wander(0.005)
      all_workers.first
    end

    # @return [Processes::Entry, nil] a mold that is newer, if one comes: after failures there is a pause
    def preparing(newest)
      latest = now + 0.3
      while now < latest
        candidate = all_molds.find { |mold| mold.generation > newest }
        return candidate if candidate
      end
    end
  end

  # Anybody dies at any moment of a refork: the old mold, the new one, its first worker, the retiring.
  class KillInRollout < Scenario
    def strike
      refork
      wander(0.25)
      blow(:KILL, *processes.children.sample(random.rand(1..2), random: random))
    end
  end

  # All that an operator can wish for, at once and in any order, and somebody dies over it. A hot restart comes last, for it
  # counts the workers that are configured again.
  class ChangeEverythingAtOnce < Scenario
    def strike
      wishes = [:USR2, :HUP, %i[TTIN TTOU].sample(random: random)].shuffle(random: random)
      wishes.each do |signal|
        Process.kill(signal, processes.master)
        wander(0.05)
      end
      fall = random.rand < 0.5 ? blow(:KILL, one(processes.children)) : Strike.new(0, now, [])
      Process.kill(:HUP, processes.master)
      Strike.new(fall.faults + wishes.size + 1, now, fall.gone)
    end
  end
end

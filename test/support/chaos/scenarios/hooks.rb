# frozen_string_literal: true

module Chaos
  # A hook raises for a while, in whatever is forked then.
  class RaiseInHooks < Scenario
    HOOKS = %w[before_fork after_worker_fork after_mold_fork].freeze

    def strike
      fail_in(HOOKS.sample(random: random), "raise")
    end

    private

    def fail_in(hook, fault)
      fall = with_hook(hook, fault) do
        provoke(hook).tap { wander(1.5) }
      end
      Strike.new(fall.faults + 1, now, fall.gone)
    end

    # What makes the server fork.
    def provoke(hook)
      return blow(:KILL, one(all_workers)) unless hook == "after_mold_fork"
      return blow(:KILL, *all_molds) if random.rand < 0.5

      refork
      Strike.new(0, now, [])
    end
  end

  # Never returns: only `spawn_timeout` ends it.
  class HangInHooks < RaiseInHooks
    # One that hangs is found after `spawn_timeout`, and so may be the next, whom it has kept waiting.
    def self.patience
      2.0
    end

    def strike
      fail_in(HOOKS.sample(random: random), "hang")
    end
  end
end

# frozen_string_literal: true

module Chaos
  # A worker dies in, before or after a request.
  class KillOneWorker < Scenario
    def strike
      blow(:KILL, one(all_workers))
    end
  end

  # A segmentation fault within a request of ours. Ruby's own handler reports it and aborts. (Sent from outside, the signal may
  # meet another thread than the one that serves, which would go on accepting while the report is written.)
  class CrashOneWorker < Scenario
    def strike
      request = Request.new("GET /crash HTTP/1.1\r\nHost: localhost\r\n\r\n", [], "")
      outcome = Exchange.new(target.addresses.sample(random: random), request).call
      raise Trouble, "a request that crashes its worker was #{outcome}" unless %i[closed reset].include?(outcome)

      pid = target.crashed
      ledger.struck(pid, [], now)
      Strike.new(1, now, [pid])
    end
  end

  class KillAllWorkers < Scenario
    def strike
      blow(:KILL, *all_workers)
    end
  end

  class KillTheMold < Scenario
    def strike
      blow(:KILL, *all_molds)
    end
  end

  class CrashTheMold < Scenario
    def strike
      blow(:SEGV, *all_molds)
    end
  end

  class KillMoldAndWorker < Scenario
    def strike
      blow(:KILL, *all_molds, one(all_workers))
    end
  end

  # Nobody is left but the master: the app is booted again.
  class KillEverybody < Scenario
    def strike
      blow(:KILL, *processes.children)
    end
  end

  # Many small blows, whoever it is and whatever it does.
  class KillAnybody < Scenario
    def workers
      8
    end

    def strike
      blow(:KILL, *processes.children.sample(random.rand(1..3), random: random))
    end
  end

  # Many small blows without a pause, each to workers that have served for a while: for the long run, as those that die young
  # make the server wait. Sometimes to the mold.
  class KillTheGrown < Scenario
    GROWN = 1.2
    private_constant :GROWN

    def workers
      24
    end

    def strike
      grown = grow.sample(4, random: random)
      grown += all_molds if random.rand < 0.01
      blow(:KILL, *grown)
    end

    private

    # @return [Array<Processes::Entry>] at least one
    def grow
      @seen ||= {}
      loop do
        present = all_workers
        @seen = present.to_h { |worker| [worker.pid, @seen.fetch(worker.pid, now)] }
        grown = present.select { |worker| worker.ready? && now - @seen[worker.pid] > GROWN }
        return grown if grown.any?

        sleep(0.01)
      end
    end
  end
end

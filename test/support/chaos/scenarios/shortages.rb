# frozen_string_literal: true

require_relative "../limits"

module Chaos
  # A process gets no more of something for a while. What it forks meanwhile inherits the limit.
  class Shortage < Scenario
    Scenario.all.delete(self)

    def self.impossible
      Limits.impossible
    end

    private

    # @param victims [Array<Integer>] pids
    # @yieldreturn [Strike] what makes the shortage felt
    def deprive(victims, resource, value)
      usual = limits.get(processes.master, resource)
      victims.each { |pid| limits.set(pid, resource, value) }
      fall = yield
      wander(0.8)
      Strike.new(fall.faults + victims.size, now, fall.gone)
    ensure
      relieve(resource, usual)
    end

    # Again, for who was being forked at the first time.
    def relieve(resource, usual)
      3.times do
        everybody = [processes.master, *processes.children.map(&:pid)]
        everybody.each { |pid| limits.set(pid, resource, usual) }
      end
    end

    def limits
      @limits ||= Limits.new(wrapper)
    end

    def pids(entries)
      entries.map(&:pid)
    end
  end

  # No descriptors: a worker can't accept, a mold can't take the channel of its child, the master can't make one.
  class ExhaustDescriptors < Shortage
    def strike
      victims = [pids(all_workers), pids(all_workers).sample(1, random: random), pids(all_molds), [processes.master]].sample(random: random)
      # Sometimes one or two are left.
      deprive(victims, :nofile, random.rand(6..24)) do
        victims.size == 1 ? blow(:KILL, one(all_workers)) : Strike.new(0, now, [])
      end
    end
  end

  # fork(2) answers EAGAIN, in the mold or in the process between it and a worker.
  class RefuseForks < Shortage
    # Of nobody else here.
    USER = 64_973
    private_constant :USER

    def self.impossible
      super || (Process.uid.zero? && !other_user? ? "as root, it needs setpriv, and a tree that others may read" : nil)
    end

    def self.other_user?
      system(*command, "test", "-r", "#{ServerProcess::ROOT}/lib/pitchfork.rb", err: File::NULL)
    end

    # For root, there is no limit.
    def self.command
      ["setpriv", "--reuid=#{USER}", "--regid=#{USER}", "--clear-groups"]
    end

    def start
      File.chown(USER, USER, @directory) if Process.uid.zero?
      super
    end

    def wrapper
      Process.uid.zero? ? self.class.command : []
    end

    def strike
      deprive(pids(all_molds), :nproc, random.rand < 0.5 ? 1 : threads + 1) { blow(:KILL, *all_workers.sample(2, random: random)) }
    end

    private

    # @return [Integer] what counts for the limit: all threads of the user
    def threads
      user = Process.uid.zero? ? USER : Process.uid
      Dir.glob("/proc/[0-9]*/task").sum do |path|
        File.stat(path).uid == user ? Dir.children(path).size : 0
      rescue SystemCallError
        0
      end
    end
  end

  # ENOMEM: the mold's address space is as large as it may become, or larger, and so is that of what it forks.
  class StarveOfMemory < Shortage
    def self.fatal?
      true
    end

    def strike
      molds = pids(all_molds)
      size = molds.sum { |pid| File.read("/proc/#{pid}/statm").to_i * 4096 }
      deprive(molds, :as, (size * random.rand(0.5..1.1)).to_i) { blow(:KILL, *all_workers.sample(2, random: random)) }
    rescue Errno::ENOENT
      Strike.new(0, now, [])
    end
  end
end

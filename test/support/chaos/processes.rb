# frozen_string_literal: true

module Chaos
  # The processes of a server, read from /proc without disturbing them.
  class Processes
    # One process: `state` is the letter that ps shows.
    Entry = Struct.new(:pid, :state, :title) do
      def worker?
        title.start_with?("pitchfork worker[")
      end

      def mold?
        title.start_with?("pitchfork mold ")
      end

      # A status follows the title of one that is not yet, or no longer, at its work.
      def ready?
        title.end_with?(")") && !"TtZXx".include?(state)
      end

      def number
        title[/\[(\d+)\]/, 1].to_i
      end

      def generation
        title[/gen:(\d+)/, 1].to_i
      end
    end

    attr_reader :master

    # @param master [Integer] pid
    # @param directory [String] where the server, and nobody else, runs
    def initialize(master, directory)
      @master = master
      @directory = directory
    end

    # @return [Array<Entry>] the master's children, in the order of their titles, so that a seed always means the same one
    def children
      pids = File.read("/proc/#{master}/task/#{master}/children").split
      pids.filter_map { |pid| self.class.entry(pid.to_i) }.sort_by { |entry| [entry.title, entry.pid] }
    rescue SystemCallError
      []
    end

    # @return [Entry, nil]
    def self.entry(pid)
      state = File.read("/proc/#{pid}/stat").rpartition(")").last.split.first
      # Empty for a zombie.
      Entry.new(pid, state, File.binread("/proc/#{pid}/cmdline").delete("\0"))
    rescue SystemCallError
      nil
    end

    # @param workers [Integer] as configured
    # @param without [Array<Integer>] pids of processes that are about to end, and may not look so yet
    # @return [Boolean] whether all these workers and a mold are at their work
    def full_strength?(workers, without: [])
      ready = children.select { |entry| entry.ready? && !without.include?(entry.pid) }
      ready.any?(&:mold?) && ready.select(&:worker?).map(&:number).uniq.size == workers
    end

    # @return [Boolean] whether nobody else is there besides, as in a rollout, and nobody is about to come or go
    def settled?(workers)
      all = children
      all.size == workers + 1 && all.all?(&:ready?) && full_strength?(workers)
    end

    # @return [Integer] descriptors that a process has open
    def self.descriptors(pid)
      Dir.children("/proc/#{pid}/fd").size
    rescue SystemCallError
      0
    end

    # @return [Hash{Symbol => Integer}] what the server has: processes, zombies, and descriptors by role (the most that a worker has)
    def census
      all = children
      {
        processes: all.size + 1,
        zombies: all.count { |entry| entry.state == "Z" },
        strangers: here.size - all.count { |entry| entry.state != "Z" } - 1,
        master: self.class.descriptors(master),
        mold: all.select(&:mold?).map { |entry| self.class.descriptors(entry.pid) }.max || 0,
        worker: all.select(&:worker?).map { |entry| self.class.descriptors(entry.pid) }.max || 0
      }
    end

    # @return [Array<Integer>] all that run in the server's directory, whoever their parent is; zombies do not
    def here
      Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select do |pid|
        pid != Process.pid && File.readlink("/proc/#{pid}/cwd") == @directory
      rescue SystemCallError
        false
      end
    end
  end
end

# frozen_string_literal: true

require "etc"
require "pitchfork/cow/pace"
require "pitchfork/cow/snapshot"
require "pitchfork/cow/work"
require "pitchfork/errors"
require "pitchfork/process_table"

module Pitchfork
  module Cow
    # Reads the memory of a server's processes, one after the other. Who ends meanwhile is left out.
    class Reader
      ALLOCATORS = %w[jemalloc mimalloc tcmalloc].freeze
      GONE = [Errno::ESRCH, Errno::ENOENT].freeze
      private_constant :ALLOCATORS, :GONE

      # @param master [Integer] pid
      # @param pace [#step] called around the reading of each process
      # @param work [#of]
      def initialize(master, pace: Pace::NONE, table: ProcessTable.new, memory: Memory, notes: Memory::Notes, work: Work)
        @master = master
        @pace = pace
        @table = table
        @memory = memory
        @notes = notes
        @work = work
      end

      # @return [Snapshot] with the sums of each process only, which is the cheap part
      # @raise [Errno::ESRCH] when the server is gone
      # @raise [ConfigurationError] when it can't be read
      def sums
        members = @pace.step { @table.tree(@master) }.filter_map do |node|
          present { @pace.step { Snapshot::Member.new(node.pid, node.depth, Title.parse(node.title), @memory.rollup(node.pid)) } }
        end
        raise Errno::ESRCH, "process #{@master}" unless members.first&.pid == @master

        Snapshot.new(taken: Time.now, members: members)
      end

      # @return [Snapshot] with the regions of the workers, too
      # @raise (see #sums)
      def all
        members = sums.members
        mold = members.select { |member| member.title.role == :mold }.max_by { |member| member.title.generation }
        work = @work.of(@master)
        members.select { |member| member.title.role == :worker }.each do |worker|
          worker.work = work[worker.pid]
          worker.regions = present { @pace.step { @memory.account(worker.pid, @memory.notes(worker.pid)) } }
        end
        Snapshot.new(taken: Time.now, members: members, **about(mold || members.first))
      end

      private

      def present
        yield
      rescue *GONE
        nil
      rescue Errno::EACCES
        raise ConfigurationError, refusal
      end

      def about(mold)
        text = present { @memory.notes(mold.pid) }
        maps = present { File.read("/proc/#{mold.pid}/maps") }.to_s
        { notes: text && @notes.parse(text), allocator: ALLOCATORS.find { |name| maps.include?(name) } }
      end

      def refusal
        owners = @table.tree(@master).filter_map { |node| @table.owner(node.pid) }.uniq
        whose = owners.map { |uid| user(uid) }.join(" and ")
        "process #{@master}: the kernel does not let #{user(Process.euid)} read the memory of this server, which belongs to #{whose}; " +
          if owners == [Process.euid]
            "it has become that user after its start, which hides it; run this as root, or let systemd or setpriv choose the user"
          else
            "run this as #{owners.one? ? [whose, user(0)].uniq.join(" or ") : user(0)}"
          end
      end

      def user(uid)
        Etc.getpwuid(uid)&.name || "user #{uid}"
      rescue ArgumentError
        "user #{uid}"
      end
    end
  end
end

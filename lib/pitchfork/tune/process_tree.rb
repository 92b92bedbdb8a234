# frozen_string_literal: true

require "etc"
require "pitchfork/process_table"

module Pitchfork
  module Tune
    # The processes of a server at one moment, with what is needed to find them again and to count what they did.
    class ProcessTree
      # One process. A pid is used again, but not with the same start time.
      Node = Struct.new(:pid, :title, :started, :cpu) do
        # @!attribute started
        #   @return [Integer] clock ticks since the machine was booted
        # @!attribute cpu
        #   @return [Float] seconds of user and system time so far

        def worker?
          title.start_with?("pitchfork worker[")
        end

        def mold?
          title.start_with?("pitchfork mold")
        end

        # @return [Boolean] whether it still runs
        def there?
          now = ProcessTree.node(pid, title)
          !now.nil? && now.started == started
        end
      end

      TABLE = ProcessTable.new
      TICK = 1.0 / Etc.sysconf(Etc::SC_CLK_TCK)
      private_constant :TABLE, :TICK

      class << self
        # @param root [Integer] pid of the master
        # @return [Array<Node>] the master first, then all below it
        def read(root)
          TABLE.tree(root).filter_map { |found| node(found.pid, found.title) }
        end

        # @return [Node, nil] nil: there is no such process, or it is a zombie
        def node(pid, title)
          fields = TABLE.stat(pid)
          return if fields.nil? || fields.first == "Z"

          Node.new(pid, title, fields[19].to_i, (fields[11].to_i + fields[12].to_i) * TICK)
        end
      end
    end
  end
end

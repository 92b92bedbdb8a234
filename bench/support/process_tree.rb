# frozen_string_literal: true

require_relative "../../lib/pitchfork/process_table"
require_relative "memory"

module Bench
  # A process and everything below it, with titles and memory, read from /proc at one moment.
  #
  #   tree = Bench::ProcessTree.read(master_pid)
  #   tree.workers.sum { |process| process.memory.private }
  #   puts tree
  class ProcessTree
    # One process: `depth` is 0 for the root, `title` what `ps` shows, `memory` a {Memory}.
    Node = Struct.new(:pid, :depth, :title, :memory) do
      def worker?
        title.match?(/\A(pitchfork|unicorn|puma: cluster) worker/)
      end

      def mold?
        title.start_with?("pitchfork mold")
      end
    end

    # @return [Array<Node>] the root first, every process before its children, siblings by title
    attr_reader :nodes

    # @param root [Integer] pid of the topmost process, usually the master
    # @return [ProcessTree]
    # @raise [Errno::ESRCH] when there is no such process
    def self.read(root)
      nodes = ::Pitchfork::ProcessTable.new.tree(root).filter_map do |node|
        Node.new(*node, Memory.of(node.pid))
      rescue Errno::ENOENT, Errno::ESRCH
        nil # ended since it was listed
      end
      raise Errno::ESRCH, "process #{root}" unless nodes.first&.depth&.zero?

      new(nodes)
    end

    def initialize(nodes)
      @nodes = nodes
    end

    # @return [Array<Node>] the processes that serve requests, by their title
    def workers
      nodes.select(&:worker?)
    end

    # @return [Array<Node>] the processes that workers are forked from; one, but for the moment of a promotion
    def molds
      nodes.select(&:mold?)
    end

    # @return [Float] MiB that the whole tree costs
    def total_pss
      nodes.sum { |node| node.memory.pss }
    end

    # @return [Float] MiB that the processes of the tree do not share with any other process, summed
    def total_private
      nodes.sum { |node| node.memory.private }
    end

    # @return [Float] mean private MiB of a worker, 0.0 without workers
    def private_per_worker
      workers.sum { |node| node.memory.private } / [workers.size, 1].max
    end

    # @return [String] a table, in MiB
    def to_s
      branches = ::Pitchfork::ProcessTable.branches(nodes.map(&:depth))
      lines = [row("pid", "process", "private", "shared", "PSS")]
      lines += nodes.zip(branches).map { |node, branch| row(node.pid, branch + node.title, *node.memory.to_a) }
      lines << row("", "total (MiB)", total_private, "", total_pss)
      lines.join("\n")
    end

    private

    def row(pid, title, *sizes)
      columns = sizes.map { |size| (size.is_a?(Float) ? format("%.1f", size) : size).rjust(9) }
      "#{pid.to_s.rjust(9)}  #{title[0, 44].ljust(44)}#{columns.join}"
    end
  end
end

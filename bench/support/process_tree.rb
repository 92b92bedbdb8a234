# frozen_string_literal: true

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
      children = Hash.new { |hash, pid| hash[pid] = [] }
      Dir.glob("/proc/[0-9]*/stat") do |path|
        # The name may hold spaces and parentheses: the fields start after the last one. The second is the parent.
        parent = File.read(path).rpartition(")").last.split[1].to_i
        children[parent] << path[/\d+/].to_i
      rescue Errno::ENOENT, Errno::ESRCH
        next # ended since the directory was listed
      end
      nodes = walk(root, 0, children)
      raise Errno::ESRCH, "process #{root}" if nodes.empty?

      new(nodes)
    end

    def self.walk(pid, depth, children)
      title = File.binread("/proc/#{pid}/cmdline").tr("\0", " ").strip.force_encoding(Encoding::UTF_8)
      node = Node.new(pid, depth, title, Memory.of(pid))
      below = children[pid].map { |child| walk(child, depth + 1, children) }
      [node, *below.reject(&:empty?).sort_by { |nodes| order(nodes.first) }.flatten]
    rescue Errno::ENOENT, Errno::ESRCH
      []
    end
    private_class_method :walk

    # Numbers in titles count as numbers: worker[2] comes before worker[10].
    def self.order(node)
      [node.title.gsub(/\d+/) { |digits| digits.rjust(10, "0") }, node.pid]
    end
    private_class_method :order

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
      lines = [row("pid", "process", "private", "shared", "PSS")]
      lines += nodes.each_with_index.map { |node, at| row(node.pid, branch(at) + node.title, *node.memory.to_a) }
      lines << row("", "total (MiB)", total_private, "", total_pss)
      lines.join("\n")
    end

    private

    def row(pid, title, *sizes)
      columns = sizes.map { |size| (size.is_a?(Float) ? format("%.1f", size) : size).rjust(9) }
      "#{pid.to_s.rjust(9)}  #{title[0, 44].ljust(44)}#{columns.join}"
    end

    def branch(at)
      depth = nodes[at].depth
      return "" if depth.zero?

      below = nodes.drop(at + 1).take_while { |node| node.depth >= depth }
      "#{"   " * (depth - 1)}#{below.any? { |node| node.depth == depth } ? "├─ " : "└─ "}"
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  # What /proc shows every user of every process: titles, parents, owners. Whoever ends while he is being read is not there.
  # @see https://man7.org/linux/man-pages/man5/proc.5.html proc(5)
  class ProcessTable
    # One process of a tree: `depth` is 0 for its root, `title` what `ps` shows.
    Node = Struct.new(:pid, :depth, :title)

    # What is drawn before each process of a tree.
    #
    # @param depths [Array<Integer>] of {#tree}'s nodes, in their order
    # @return [Array<String>] empty for the root
    def self.branches(depths)
      depths.each_with_index.map do |depth, at|
        next "" if depth.zero?

        below = depths.drop(at + 1).take_while { |other| other >= depth }
        "#{"   " * (depth - 1)}#{below.include?(depth) ? "├─ " : "└─ "}"
      end
    end

    # @param directory [String] where proc is mounted
    def initialize(directory = "/proc")
      @directory = directory
    end

    # @return [Array<Integer>] all processes, in rising order
    def pids
      Dir.children(@directory).grep(/\A\d+\z/).map(&:to_i).sort
    end

    # @return [String, nil] what `ps` shows; empty for a zombie, nil when there is no such process
    def title(pid)
      bytes = ended { File.binread("#{@directory}/#{pid}/cmdline") } or return
      bytes.tr("\0", " ").strip.force_encoding(Encoding::UTF_8).scrub
    end

    # @return [Integer, nil] the effective user. The directory's owner is another one when the process is not dumpable
    def owner(pid)
      status = ended { File.binread("#{@directory}/#{pid}/status") } or return
      status[/^Uid:\s+\d+\s+(\d+)/, 1].to_i
    end

    # @return [Array<String>, nil] the fields of proc_pid_stat(5), from the third on: the state. Nil when there is no such process
    # @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    def stat(pid)
      # The second, the name, may hold blanks and parentheses, and ends with the last of those.
      ended { File.binread("#{@directory}/#{pid}/stat") }&.rpartition(")")&.last&.split
    end

    # @return [Boolean] whether it has ended and its parent has not asked how. It has a pid still, and nothing else
    def zombie?(pid)
      stat(pid)&.first == "Z"
    end

    # @return [Integer, nil]
    def parent(pid)
      stat(pid)&.at(1)&.to_i
    end

    # @return [String, nil] nil as well when it is another user's
    def working_directory(pid)
      ended { File.readlink("#{@directory}/#{pid}/cwd") }
    rescue Errno::EACCES
      nil
    end

    # A process and everything below it.
    #
    # @return [Array<Node>] the root first, every process before its children, siblings by title; empty when there is no root
    def tree(root, depth = 0)
      title = title(root)
      return [] if title.nil?

      below = children(root).map { |child| tree(child, depth + 1) }
      [Node.new(root, depth, title), *below.reject(&:empty?).sort_by { |nodes| order(nodes.first) }.flatten]
    end

    private

    # A thread's own list, which CONFIG_PROC_CHILDREN provides, costs some microseconds; asking all processes for their parents
    # costs as many for each process of the machine.
    def children(pid)
      lists = Dir.glob("#{@directory}/#{pid}/task/*/children")
      return pids.select { |other| parent(other) == pid } if lists.empty?

      lists.flat_map { |list| ended { File.read(list) }.to_s.split.map(&:to_i) }
    end

    # Numbers in titles count as numbers: worker[2] comes before worker[10].
    def order(node)
      [node.title.gsub(/\d+/) { |digits| digits.rjust(10, "0") }, node.pid]
    end

    def ended
      yield
    rescue Errno::ENOENT, Errno::ESRCH
      nil
    end
  end
end

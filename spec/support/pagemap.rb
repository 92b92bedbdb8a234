# frozen_string_literal: true

require "etc"

# The anonymous memory of a process (heap, stacks, machine code: all that no file backs), page by page.
#
# The kernel keeps a 64-bit word for each page in /proc/PID/pagemap, see "pagemap" in its admin guide. Three of its bits
# tell all that matters here. The processes on both sides of a fork have a page in common until one of them writes to it.
#
# Swapped-out pages count as absent.
class Pagemap
  PAGE = Etc.sysconf(Etc::SC_PAGESIZE)
  EXCLUSIVE = 1 << 56 # no other process maps it
  FILE = 1 << 61 # of a file, or shared with intent
  PRESENT = 1 << 63
  # Beyond lies the kernel's half of the address space, where [vsyscall] is listed on x86.
  USER_SPACE = 1 << 47

  class << self
    # @param pid [Integer]
    # @return [Pagemap] of the whole process
    def of(pid)
      read(pid, File.foreach("/proc/#{pid}/maps").filter_map do |line|
        first, last = line.split(" ", 2).first.split("-").map { |address| address.to_i(16) }
        (first...last) if last <= USER_SPACE
      end)
    end

    # @param range [Range<Integer>] of addresses; pages that it covers in part are left out, for they have other contents too
    # @return [Pagemap] of a part of this process
    def here(range)
      first = (range.begin + PAGE - 1) / PAGE * PAGE
      read("self", [first...(range.end / PAGE * PAGE)])
    end

    private

    def read(pid, ranges)
      shared, exclusive = [], []
      File.open("/proc/#{pid}/pagemap", "rb") do |file|
        ranges.each { |range| sort(file, range, shared, exclusive) }
      end
      new(shared, exclusive)
    end

    def sort(file, range, shared, exclusive)
      first, past = range.begin / PAGE, range.end / PAGE
      file.pread((past - first) * 8, first * 8).unpack("Q*").each.with_index(first) do |word, number|
        next if word.nobits?(PRESENT) || word.anybits?(FILE)

        (word.anybits?(EXCLUSIVE) ? exclusive : shared) << number
      end
    end
  end

  # @return [Array<Integer>] numbers of the pages that another process has too
  attr_reader :shared
  # @return [Array<Integer>] numbers of the pages that are this process's own: written since the fork, or new
  attr_reader :exclusive

  def initialize(shared, exclusive)
    @shared = shared
    @exclusive = exclusive
  end

  # @return [Integer] pages
  def size
    shared.size + exclusive.size
  end
end

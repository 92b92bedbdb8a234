# frozen_string_literal: true

module Bench
  # Memory of one process as the kernel's page tables count it, in MiB (kB of smaps_rollup / 1024).
  #
  # There is deliberately no RSS: it counts a shared page once for every process that maps it, so that it hides exactly what
  # reforking changes. PSS divides a page by the number of its users; the sum over a process tree is what the tree costs.
  #
  # @!attribute private
  #   @return [Float] pages that no other process maps: Private_Clean + Private_Dirty
  # @!attribute shared
  #   @return [Float] pages that at least one other process maps: Shared_Clean + Shared_Dirty
  # @!attribute pss
  #   @return [Float] private pages and this process's part of the shared ones
  # @see https://www.kernel.org/doc/html/latest/filesystems/proc.html proc_pid_smaps_rollup(5), Linux >= 4.14
  Memory = Struct.new(:private, :shared, :pss) do
    # @param pid [Integer]
    # @return [Memory]
    # @raise [Errno::ENOENT, Errno::ESRCH] when the process is gone
    # @raise [Errno::EACCES] when it belongs to someone else
    def self.of(pid)
      kib = Hash.new(0)
      File.foreach("/proc/#{pid}/smaps_rollup") do |line|
        name, size = line.split
        kib[name.chomp(":")] = size.to_i if line.end_with?("kB\n")
      end
      mib = ->(*names) { names.sum { |name| kib[name] } / 1024.0 }
      new(mib.("Private_Clean", "Private_Dirty"), mib.("Shared_Clean", "Shared_Dirty"), mib.("Pss"))
    end
  end
end

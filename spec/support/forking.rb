# frozen_string_literal: true

require_relative "pagemap"

# Forks for the duration of an example.
module Forking
  # Memory of a child before and after its work, in pages.
  #
  # @!attribute total
  #   @return [Integer] all that the child had when it began
  # @!attribute copied
  #   @return [Integer] shared then, and the child's own now: something has written to them
  # @!attribute fresh
  #   @return [Integer] not there then
  Work = Struct.new(:total, :copied, :fresh) do
    def self.between(before, after)
      new(before.size, (before.shared & after.exclusive).size, (after.exclusive - before.shared - before.exclusive).size)
    end

    # @return [Integer] what the child costs on top of what it shares
    def private
      copied + fresh
    end
  end

  # Runs the block in a child.
  #
  # @return what the block returned there; it must be something that Marshal takes
  def fork_and
    from_child, to_parent = IO.pipe(binmode: true)
    pid = Process.fork do
      # `exit!`: RSpec's at_exit handlers are the parent's.
      Forking.finish { to_parent.write(Marshal.dump(yield)) }
    end
    to_parent.close
    answer = from_child.read
    Process.wait(pid)
    raise "the child ended with #{$?}" unless $?.success?

    Marshal.load(answer)
  ensure
    from_child&.close
  end

  # Forks a parent, which prepares itself, and from that one a child, which works. Looks at the child's pages from here,
  # before and after: a process that reads its own page table writes to its pages as it does so, and one that reads its
  # child's writes to what they share.
  #
  # @param parent [#call] what the parent does before it forks
  # @return [Work] what the block, in the child, did to its pages
  def pages_written(parent:, &work)
    from_child, to_spec = IO.pipe
    from_spec, to_child = IO.pipe
    meet = lambda do
      to_spec.puts(Process.pid)
      from_spec.gets
    end
    pid = Process.fork do
      # Or no end of file would tell the child that the spec has given up.
      [from_child, to_child].each(&:close)
      Forking.finish do
        parent.call
        child = Process.fork { Forking.finish { [meet, work, meet].each(&:call) } }
        to_spec.close
        Process.wait(child)
      end
    end
    [to_spec, from_spec].each(&:close)
    snapshots = Array.new(2) do
      child = from_child.gets or raise "the child, or its parent, has failed"
      Pagemap.of(Integer(child)).tap { to_child.puts }
    end
    Work.between(*snapshots)
  ensure
    [from_child, to_child].each { |pipe| pipe&.close }
    Process.wait(pid) if pid
  end

  # Runs the block and ends the process, with its failure on stderr.
  def self.finish
    yield
    exit!(0)
  rescue Exception => e # rubocop:disable Lint/RescueException
    $stderr.puts(e.full_message(highlight: false))
    exit!(1)
  end
end

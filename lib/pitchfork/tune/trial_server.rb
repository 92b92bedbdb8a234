# frozen_string_literal: true

require "pitchfork/ruby_command"
require "pitchfork/tune/deadline"
require "pitchfork/tune/process_tree"

module Pitchfork
  module Tune
    # A server that serves nobody but us, from its first line of log to the end of its last process.
    class TrialServer
      # How systemd talks to the server that it has started: not to this one.
      NOT_OURS = %w[NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES PITCHFORK_BOOT]
        .to_h { |name| [name, nil] }.freeze
      # Seconds that it may take to stop by itself: its workers have nothing to do.
      GRACE = 5
      LOOKS_EVERY = 0.02
      # Lines that say that there will be no rollout.
      NO_REFORK = /refork requested, but|refork to gen=\d+ failed|can't be promoted/
      # And lines that are empty.
      BACKTRACE = /\A\s*(from .*)?$/
      private_constant :BACKTRACE, :NOT_OURS, :GRACE, :LOOKS_EVERY, :NO_REFORK

      # @return [Integer] of the master
      attr_reader :pid

      # Starts one, yields it when its workers are ready, and ends it, whatever happens.
      #
      # @param argv [Array<String>] of the `pitchfork` command
      # @param log [String] path of the file that gets its output
      # @param patience [Float, nil] seconds that it may take to start
      def self.open(argv, log, deadline, patience = nil)
        server = new(argv, log)
        yield server.start(deadline, patience)
      ensure
        server&.stop
      end

      def initialize(argv, log)
        @argv = argv
        @log = log
        @read = 0
        @generation = 0
      end

      # @return [self]
      # @raise [Failed] when it ends instead, with what it has said, or takes too long
      def start(deadline, patience = nil)
        @pid = Process.spawn(
          NOT_OURS, *RubyCommand.pitchfork(@argv), in: File::NULL, %i[out err] => [@log, File::WRONLY | File::CREAT | File::TRUNC],
          pgroup: true # a Ctrl-C in the terminal is ours to answer
        )
        wait_for(/server ready:/, patience ? deadline.within(patience) : deadline)
        self
      rescue OutOfTime
        raise if deadline.passed?

        raise Failed, format("not ready within %.0f s. It said:\n%s", patience, last_words)
      end

      # Promotes a worker, and waits until all workers come from it.
      #
      # @raise [Failed] when none can be promoted
      def refork(deadline)
        Process.kill(:USR2, pid)
        wait_for(/rollout gen=#{@generation += 1} done/, deadline, hopeless: NO_REFORK)
      end

      # @return [Array<ProcessTree::Node>]
      def tree
        ProcessTree.read(pid)
      end

      # Ends it as an operator would, and what is left then by force.
      def stop
        return unless pid && !@ended

        left = tree
        Process.kill(:TERM, pid)
        grace = Deadline.in(GRACE)
        sleep(LOOKS_EVERY) until ended? || grace.passed?
        left |= tree unless ended?
        left.each { |node| kill(node) }
        Process.wait(pid) unless ended?
      end

      # @return [String] the end of what it has said, without backtraces
      def last_words(lines = 8)
        File.read(@log, encoding: "utf-8").scrub.lines.reject { |line| line.match?(BACKTRACE) }.last(lines).join
      rescue SystemCallError
        ""
      end

      private

      def wait_for(pattern, deadline, hopeless: nil)
        loop do
          gone = ended?
          lines = new_lines
          return if lines.any?(pattern)

          reason = hopeless && lines.grep(hopeless).first
          raise Failed, reason.strip if reason
          raise Failed, "the server has ended. It said:\n#{last_words}" if gone

          deadline.check
          Tune.waiting { sleep(LOOKS_EVERY) }
        end
      end

      # @return [Array<String>] whole lines since the last time
      def new_lines
        text = File.binread(@log, nil, @read) || ""
        whole = text.rindex("\n") or return []
        @read += whole + 1
        text[0..whole].force_encoding(Encoding::UTF_8).scrub.lines
      end

      def ended?
        @ended ||= !Process.wait(pid, Process::WNOHANG).nil?
      end

      def kill(node)
        Process.kill(:KILL, node.pid) if node.there?
      rescue Errno::ESRCH
        nil # it has ended meanwhile
      end
    end
  end
end

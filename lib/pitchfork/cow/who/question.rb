# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  module Cow
    module Who
      # One question to one worker: a time in its row, and the memfd in which it answers.
      #
      # The memfd is opened as soon as it appears, for it can be read even when the worker has ended meanwhile. Whatever
      # happens, the question is taken back: then the worker closes its side.
      class Question
        LINK = "/memfd:pitchfork who (deleted)"
        PAUSE = 0.05
        # A request may be running when the time is up, and writing a report takes a moment.
        GRACE = 5
        KEPT = 10_000_000_000 # nanoseconds, in ext/pitchfork/src/who, too
        private_constant :LINK, :PAUSE, :GRACE, :KEPT

        # @param scoreboard [Scoreboard]
        # @param worker [Candidates::Candidate]
        # @param interruption [#sleep] whose answer says that nobody wants to know any more
        def initialize(scoreboard, worker, interruption)
          @scoreboard = scoreboard
          @worker = worker
          @interruption = interruption
        end

        # @param seconds [Numeric]
        # @return [String] the report, which is complete
        # @raise [ConfigurationError] why there is none
        def ask(seconds)
          @seconds = seconds
          @until = now + (seconds * 1_000_000_000).round
          unless @scoreboard.ask_who(@worker.row, @until, KEPT)
            raise ConfigurationError, "#{@worker} is being watched for somebody else: try again in a moment, or another with --who N"
          end

          answer
        ensure
          @file&.close
          @scoreboard.forget_who(@worker.row, @until) if @until
        end

        private

        def answer
          until now > @until + (GRACE * 1_000_000_000)
            @file ||= find
            text = read
            return text if text.end_with?("\nend\n")

            give_up("has begun no request in #{format("%g", @seconds)} s, so there was nothing to see") if @file.nil? && now > @until
            give_up("has ended before it could report") unless Dir.exist?("/proc/#{@worker.pid}")
            give_up("was to be asked no longer") if @interruption.sleep(PAUSE)
          end
          give_up("is still within a request: watch it for longer (--for), or another worker (--who N)")
        end

        # That of an older question may still be there.
        def find
          directory = "/proc/#{@worker.pid}/fd"
          Dir.children(directory).each do |name|
            path = "#{directory}/#{name}"
            next unless File.readlink(path) == LINK

            file = File.open(path)
            return file if file.pread(100, 0).include?("\nuntil #{@until}\n")

            file.close
          rescue Errno::ENOENT, EOFError
            next # closed meanwhile, or not written yet
          end
          nil
        rescue Errno::ENOENT, Errno::ESRCH
          nil
        end

        def read
          size = @file ? @file.size : 0
          size.zero? ? "" : @file.pread(size, 0).force_encoding(Encoding::UTF_8).scrub
        end

        def give_up(why)
          raise ConfigurationError, "#{@worker} #{why}"
        end

        def now
          Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
        end
      end
    end
  end
end

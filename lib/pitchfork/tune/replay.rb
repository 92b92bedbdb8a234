# frozen_string_literal: true

require "pitchfork/tune/replay_client"

module Pitchfork
  module Tune
    # Sends requests to a server as fast as it answers them, over several connections at a time, each from a process of
    # its own: a client in one process would be limited by its own lock, not by the server.
    class Replay
      # What became of a number of requests.
      #
      # @!attribute requests
      #   @return [Integer] sent
      # @!attribute rate
      #   @return [Float] answered a second
      # @!attribute p99
      #   @return [Float] milliseconds from connect to end of file that 99 of 100 requests took at most
      # @!attribute statuses
      #   @return [Hash{Integer => Integer}] how often each came
      # @!attribute failures
      #   @return [Array<String>] one a request that was not answered, or by a status of the server's own errors
      Result = Struct.new(:requests, :rate, :p50, :p99, :statuses, :failures, keyword_init: true)

      # @param socket [String] path of the server's UNIX socket
      # @param list [RequestList]
      # @param clients [Integer] requests that are under way at a time
      def initialize(socket, list, clients:)
        @socket = socket
        @list = list
        @clients = clients
      end

      # @param numbers [Range<Integer>] of the requests; without its end
      # @param deadline [Deadline]
      # @return [Result]
      # @raise [OutOfTime] when the deadline has passed before the last answer
      def run(numbers, deadline)
        started = Array.new(@clients) { |index| start((numbers.begin + index).step(numbers.end - 1, @clients), deadline) }
        combine(started.map { |_, reader| receive(reader, deadline) })
      ensure
        started&.each { |pid, reader| finish(pid, reader) }
      end

      private

      def start(numbers, deadline)
        reader, writer = IO.pipe(binmode: true)
        pid = Process.fork do
          reader.close
          Signal.trap(:INT, :DEFAULT)
          Signal.trap(:TERM, :DEFAULT)
          writer.write(Marshal.dump(ReplayClient.new(@socket, @list, deadline).run(numbers)))
          writer.close
        rescue OutOfTime
          nil # the end of the pipe says it
        ensure
          exit!(0) # none of this program's at_exit is this process's
        end
        writer.close
        [pid, reader]
      end

      def receive(reader, deadline)
        bytes = +"".b
        loop do
          Tune.waiting { reader.wait_readable(deadline.left) } or raise OutOfTime
          bytes << reader.readpartial(1 << 16)
        end
      rescue EOFError
        deadline.check if bytes.empty?
        raise Failed, "a client of the replay ended without a result" if bytes.empty?

        Marshal.load(bytes) # of a child of ours
      end

      def finish(pid, reader)
        reader.close
        Process.kill(:KILL, pid)
        Process.wait(pid)
      end

      def combine(parts)
        latencies = parts.flat_map { |part| part[:latencies] }.sort
        answered = parts.select { |part| part[:seconds].positive? }
        Result.new(
          requests: latencies.size, rate: answered.sum { |part| part[:latencies].size / part[:seconds] },
          p50: at_share(latencies, 0.5), p99: at_share(latencies, 0.99),
          statuses: parts.map { |part| part[:statuses] }.reduce { |one, other| one.merge(other) { |_, a, b| a + b } },
          failures: parts.flat_map { |part| part[:failures] }
        )
      end

      def at_share(sorted, share)
        sorted.empty? ? 0.0 : sorted[((sorted.size - 1) * share).round] * 1000
      end
    end
  end
end

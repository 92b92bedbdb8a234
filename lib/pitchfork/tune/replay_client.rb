# frozen_string_literal: true

require "io/wait"
require "socket"
require "pitchfork/tune/deadline"

module Pitchfork
  module Tune
    # One of the clients of a {Replay}: a connection a request, one after the other.
    class ReplayClient
      # What is told of requests that fail, each; a broken server fails all of them.
      MOST_FAILURES = 20
      PIECE = 64 * 1024
      private_constant :MOST_FAILURES, :PIECE

      def initialize(socket, list, deadline)
        @socket = socket
        @list = list
        @deadline = deadline
        @buffer = +"".b
        @latencies = []
        @statuses = Hash.new(0)
        @failures = []
      end

      # @param numbers [Enumerator<Integer>]
      # @return [Hash] latencies in seconds, how long all took, statuses, failures
      # @raise [OutOfTime]
      def run(numbers)
        started = before = now
        numbers.each do |number|
          request = @list[number]
          ask(request, number)
          after = now
          @latencies << (after - before)
          before = after
          break if @failures.size >= MOST_FAILURES
        end
        { latencies: @latencies, seconds: now - started, statuses: @statuses.to_a.to_h, failures: @failures }
      end

      private

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end

      def ask(request, number)
        complaint = exchange(request, number)
      rescue SystemCallError, EOFError => e
        complaint = e.class.name.delete_prefix("Errno::")
      ensure
        @failures << "#{request.verb} #{request.path}: #{complaint}" if complaint
      end

      # @return [String, nil] what is wrong with the response
      def exchange(request, number)
        socket = UNIXSocket.new(@socket)
        socket.write(request.bytes(number))
        head = read_head(socket) or return "the connection was closed before a response"
        status = head[%r{\AHTTP/1\.\d (\d{3})}, 1].to_i
        @statuses[status] += 1
        length, tail = read_body(socket, head)
        return "status #{status}" if status >= 500 || status.zero?

        incomplete(head, length, tail) unless request.verb == "HEAD" || status == 204 || status == 304
      ensure
        socket&.close
      end

      # @return [String, nil] head of the response, and what of the body came with it
      def read_head(socket)
        head = +"".b
        head << @buffer while !head.include?("\r\n\r\n") && piece(socket)
        head unless head.empty?
      end

      # @return [(Integer, String)] bytes of the body, and the last few
      def read_body(socket, head)
        rest = head.byteslice(((head.index("\r\n\r\n") || head.bytesize) + 4)..) || ""
        length = rest.bytesize
        tail = rest.byteslice([length - 5, 0].max, 5)
        while piece(socket)
          length += @buffer.bytesize
          tail = (tail + @buffer.byteslice([@buffer.bytesize - 5, 0].max, 5))[-5..] || tail
        end
        [length, tail]
      end

      # @return [String, nil] the buffer with what has come, nil at the end
      def piece(socket)
        while (got = socket.read_nonblock(PIECE, @buffer, exception: false)) == :wait_readable
          socket.wait_readable(@deadline.left) or raise OutOfTime
        end
        got
      end

      def incomplete(head, length, tail)
        fields = head[0, head.index("\r\n\r\n") || head.bytesize]
        if (announced = fields[/^content-length: *(\d+)/i, 1])
          "#{length} of #{announced} bytes came" if length != announced.to_i
        elsif fields.match?(/^transfer-encoding: *chunked/i) && tail != "0\r\n\r\n"
          "the response has no end"
        end
      end
    end
  end
end

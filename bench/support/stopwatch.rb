# frozen_string_literal: true

require "socket"

module Bench
  # Asks for one thing after the other, each on a connection of its own, and takes the time of every single one.
  class Stopwatch
    # @return [Float] milliseconds of a clock that does not jump
    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond)
    end

    # @param target [String] HOST:PORT
    # @param paths [Array<String>] taken in turn; {n} in one becomes the number of the request
    def initialize(target, paths)
      @host, @port = target.split(":")
      @paths = paths
    end

    # @param count [Integer] how many requests
    # @param since [Float] when the first one begins: now, or earlier when something else happened first
    # @return [Array<Float>] milliseconds from the beginning to the end of file, of each request in its turn
    # @raise [RuntimeError, SystemCallError] when one was not answered with 200
    def take(count, since: self.class.now)
      requests = Array.new(count) { |n| request(n) }
      GC.disable # this process's own collections would be taken for the server's
      requests.map do |request|
        ask(request)
        ended = self.class.now
        (ended - since).tap { since = ended }
      end
    ensure
      GC.enable
    end

    private

    def request(number)
      path = @paths[number % @paths.size].sub("{n}", number.to_s)
      "GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    end

    def ask(request)
      response = TCPSocket.open(@host, @port) do |socket|
        socket.write(request)
        socket.read
      end
      return if response.start_with?("HTTP/1.1 200 ")

      raise "#{request.lines.first.chomp} was answered with #{(response.lines.first || "nothing").chomp}"
    end
  end
end

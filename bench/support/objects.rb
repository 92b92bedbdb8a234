# frozen_string_literal: true

require "json"
require "socket"
require_relative "servers"

module Bench
  # Counts the Ruby objects that a request costs, in a real worker, and names each.
  class Objects
    APP = File.expand_path("../apps/objects.ru", __dir__)
    WARMUP = 200
    COUNTED = [100, 300].freeze
    TRACED = 20
    private_constant :WARMUP, :COUNTED, :TRACED

    # @!attribute exact
    #   @return [Float] objects a request, as the VM counts them
    # @!attribute kinds
    #   @return [Hash{String => Integer}] what they are: a key of env, or class and place, and how many a request
    Result = Struct.new(:exact, :kinds)

    # @param requests [Hash{Object => String}] heads and bodies
    # @return [Hash{Object => Result}] for each request
    def self.measure(requests, yjit:)
      # A server for each: what is traced stays in memory.
      requests.transform_values do |request|
        Pitchfork.open(APP, workers: 1, unix: true, yjit: yjit) { |server| new(server.target, request).measure }
      end
    end

    def initialize(path, request)
      @path = path
      @request = request
    end

    # @return [Result]
    def measure
      serve(WARMUP)
      counts = COUNTED.map { |requests| count(requests) }
      ask("/trace")
      serve(TRACED)
      kinds = ask("/report").each_line.to_h { |line| JSON.parse(line) }
      # The end of the request before and the beginning of the one after are traced too, and are less than one each.
      Result.new((counts.last - counts.first).fdiv(COUNTED.last - COUNTED.first), kinds.transform_values(&:round).reject { |_, n| n.zero? })
    end

    private

    # The requests that ask cost something, too, always the same: it cancels out.
    def count(requests)
      before = ask("/count").to_i
      serve(requests)
      ask("/count").to_i - before
    end

    def serve(times)
      times.times { exchange(@request) }
    end

    def ask(path)
      exchange("GET #{path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    end

    # @return [String] the body of the response
    def exchange(request)
      UNIXSocket.open(@path) do |socket|
        socket.write(request)
        head, body = socket.read.split("\r\n\r\n", 2)
        raise "unexpected response: #{head}" unless head.start_with?("HTTP/1.1 200 ")

        body
      end
    end
  end
end

# frozen_string_literal: true

require_relative "cpu_time"
require_relative "load"
require_relative "sample"
require_relative "servers"
require_relative "wrk"

module Bench
  # One workload over one kind of socket: starts the servers, measures them in turn, and gives each its row.
  class Transport
    WORKERS = 2
    CONCURRENCY = 8
    HEADINGS = ["socket", "server", "requests/s", "min – max", "p99 ms", "CPU µs", "of Unicorn"].freeze
    FLOOR_HEADING = "of the floor"

    # What a server did in the rounds so far.
    Samples = Struct.new(:rate, :p99, :cpu) do
      def initialize
        super(Sample.new, Sample.new, Sample.new)
      end
    end

    # @param name [String] "TCP" or "UNIX"
    # @param workload [Workload] prepared
    # @param options [Hash{Symbol => Object}] servers, yjit, warmup, rounds, seconds, client
    # @param env [Hash{String => String}] for the servers
    def initialize(name, workload, options, env = {})
      @name = name
      @workload = workload
      @options = options
      @env = env
      @client = name == "TCP" && options[:client] == "wrk" ? Wrk : Load
      names = options[:servers].select { |server| server != "floor" || workload.floor? }
      @samples = names.to_h { |server| [server, Samples.new] }
    end

    # @return [self]
    def measure
      servers = @samples.keys.map do |name|
        Bench.const_get(name.capitalize).new(@workload.app, workers: WORKERS, unix: @name == "UNIX", yjit: @options[:yjit], env: @env)
      end
      servers.each(&:start).each { |server| warm(server) }
      @options[:rounds].times do |round|
        # Each round starts with another server: none is always measured right after the same neighbour.
        servers.rotate(round).each { |server| record(server) }
      end
      self
    ensure
      servers&.each(&:stop)
    end

    # @return [Array<String>]
    def headings
      floor? ? HEADINGS + [FLOOR_HEADING] : HEADINGS
    end

    # @return [Array<Array<String>>] a row for each server
    def rows
      @samples.map do |name, samples|
        rate = samples.rate.median
        [@name, name, thousands(rate), samples.rate.range.map { |value| thousands(value) }.join(" – "),
         format("%.2f", samples.p99.median), format("%.1f", samples.cpu.median), of(rate, "unicorn", "%.2f ×", 1),
         *(of(rate, "floor", "%.0f %%", 100) if floor?)]
      end
    end

    private

    def floor?
      @samples.key?("floor")
    end

    # With the client that compares every response byte for byte: no server is measured that answers something else.
    def warm(server)
      Load.measure(server.target, @workload, seconds: @options[:warmup], concurrency: CONCURRENCY)
    end

    def record(server)
      pids = server.tree.nodes.map(&:pid)
      before = CpuTime.of(pids)
      result = @client.measure(server.target, @workload, seconds: @options[:seconds], concurrency: CONCURRENCY)
      samples = @samples[server.name]
      samples.rate << result.rate
      samples.p99 << result.p99
      samples.cpu << ((CpuTime.of(pids) - before) / result.requests * 1e6)
      warn format("%-7s %-4s %-10s %8.0f requests/s", @workload.name, @name, server.name, result.rate)
    end

    def of(rate, other, format, factor)
      @samples.key?(other) ? format(format, rate / @samples[other].rate.median * factor) : ""
    end

    def thousands(number)
      number.round.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ",")
    end
  end
end

# frozen_string_literal: true

require "tmpdir"
require_relative "load"
require_relative "sample"
require_relative "servers"
require_relative "stopwatch"

module Bench
  # An application under several servers of one worker each, which gets warm and is then killed, again and again.
  #
  # As there is one worker, all that is asked after its end is answered by its replacement. No request is in it when it is
  # killed, so none fails; the next one waits in the listening socket, which the master holds open under all three servers.
  class Recovery
    REQUESTS = 200
    # In which pieces of the 200 the latency is shown: the first ones are what differs. All but the first two are whole rounds
    # through the paths of either app.
    PIECES = {
      "1" => 0..0, "2–5" => 1..4, "6–10" => 5..9, "11–25" => 10..24, "26–50" => 25..49, "51–100" => 50..99, "101–200" => 100..199
    }.freeze
    GENERATION = 3
    # pitchfork takes a worker that dies within its first second for one that can't live, and waits longer before the next.
    SETTLED = 1.5
    private_constant :SETTLED

    # What one server did: rounds of {REQUESTS} latencies in milliseconds, of the warm worker and of replacements.
    Latencies = Struct.new(:warm, :replaced) do
      # @return [Hash{String => Float}] medians over the rounds: of a warm worker's mean, and of a replacement's mean in each piece
      def medians
        pieces = PIECES.transform_values { |piece| median(replaced) { |round| mean(round[piece]) } }
        { "warm" => median(warm) { |round| mean(round) }, **pieces }
      end

      # @return [Float] what all requests to a replacement took together, median
      def total
        median(replaced, &:sum)
      end

      # @return [Array<Float>] the least and the most that the first answer took
      def range_of_first
        replaced.map(&:first).minmax
      end

      private

      def mean(values)
        values.sum / values.size
      end

      def median(rounds, &block)
        Sample.median(rounds.map(&block))
      end
    end

    # @return [CowApp]
    attr_reader :app
    # @return [Hash{String => Latencies}] by server
    attr_reader :latencies

    # @param app [CowApp]
    # @param options [Hash{Symbol => Object}] servers, yjit, rounds, and requests, if it is not the app that says how many make it warm
    def initialize(app, options)
      @app = app
      @options = options
      @requests = options.fetch(:requests, app.requests)
      @latencies = options[:servers].to_h { |name| [name, Latencies.new([], [])] }
    end

    # @return [self]
    def measure
      Dir.mktmpdir("bench") do |directory|
        servers = @options[:servers].map { |name| open(name, directory) }
        servers.each(&:start).each { |server| warm(server) }
        in_turn(servers) { |server| latencies[server.name].warm << Stopwatch.new(server.target, app.paths).take(REQUESTS) }
        in_turn(servers) { |server| latencies[server.name].replaced << replace(server) }
      ensure
        servers&.each(&:stop)
      end
      self
    end

    private

    def open(name, directory)
      env = { "DATABASE_PATH" => "#{directory}/#{name}.sqlite3" }
      Bench.const_get(name.capitalize).new(app.path, workers: 1, yjit: @options[:yjit], env: env)
    end

    # Each round starts with another server: none is always measured right after the same neighbour.
    def in_turn(servers)
      @options[:rounds].times { |round| servers.rotate(round).each { |server| yield server } }
    end

    # The same number of requests to each; pitchfork promotes the worker in between, as it would by itself with `refork_after`.
    def warm(server)
      app.seed&.call(server.target)
      (0..GENERATION).each do |generation|
        server.refork if generation.positive? && server.respond_to?(:refork)
        Load.run(server.target, requests: @requests, concurrency: 1, paths: app.paths)
      end
      title = worker(server).title[/\A[^-]*[^ -]/]
      warn format("%-8s %-10s warm after %d requests: %s", app.name, server.name, @requests * (GENERATION + 1), title)
    end

    # @return [Array<Float>] latencies of the replacement, the first one from the kill on
    def replace(server)
      sleep SETTLED
      old = worker(server)
      stopwatch = Stopwatch.new(server.target, app.paths)
      killed = Stopwatch.now
      Process.kill(:KILL, old.pid)
      stopwatch.take(REQUESTS, since: killed).tap do |round|
        new = worker(server)
        raise "#{server.name}: worker #{old.pid} still serves" if new.pid == old.pid
        raise "#{new.title} is of another generation than #{old.title}" if generation(new) != generation(old)

        warn format("%-8s %-10s first answer %7.1f ms after the kill, all %d within %8.1f ms",
                    app.name, server.name, round.first, REQUESTS, round.sum)
      end
    end

    # @return [String, nil] where there is such a thing, "gen:3"
    def generation(worker)
      worker.title[/gen:\d+/]
    end

    # @return [ProcessTree::Node] the one that serves
    def worker(server)
      workers = server.tree.workers
      return workers.first if workers.size == 1

      raise "#{server.name} has #{workers.size} workers, expected 1:\n#{server.tree}"
    end
  end
end

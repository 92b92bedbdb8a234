# frozen_string_literal: true

require_relative "load"
require_relative "sample"
require_relative "servers"

module Bench
  # This project with several accept queues.
  class Queued < Pitchfork
    # @param queues [Integer]
    # @param per_worker [Integer] how many of them each worker accepts from
    def initialize(app, queues:, per_worker:, **options)
      super(app, **options)
      @queues = queues
      @per_worker = per_worker
    end

    def name
      @queues == 1 ? "one, shared" : "#{@queues}, #{@per_worker} a worker"
    end

    private

    # For an address that is also on the command line, the file's options count.
    def settings
      "#{super}\nlisten #{target.dump}, queues: #{@queues}, queues_per_worker: #{@per_worker}"
    end
  end

  # One app behind one shared queue and behind several, asked by so many clients at once.
  class Queues
    HEADINGS = ["app", "clients", "queues", "requests/s", "min – max", "p50 ms", "p99 ms", "of one queue"].freeze

    # @param app [String] name in bench/apps
    # @param options [Hash{Symbol => Object}] workers, clients, rounds, seconds
    def initialize(app, options)
      @app = app
      @options = options
      workers = options[:workers]
      @servers = [[1, 1], [workers, 1], [workers, workers - 1]].map do |queues, per_worker|
        Queued.new("#{__dir__}/../apps/#{app}.ru", workers: workers, queues: queues, per_worker: per_worker)
      end
      @samples = @options[:clients].product(@servers).to_h { |key| [key, Array.new(3) { Sample.new }] }
    end

    # @return [self]
    def measure
      @servers.each(&:start)
      # The first one warms up, and starts with another server each time: none always follows the same neighbour.
      (0..@options[:rounds]).each do |round|
        @samples.keys.rotate(round).each { |clients, server| record(clients, server, counts: round.positive?) }
      end
      self
    ensure
      @servers.each(&:stop)
    end

    # @return [Array<Array<String>>] one for each number of clients and each kind of queues
    def rows
      @samples.map do |(clients, server), (rate, p50, p99)|
        shared = @samples.fetch([clients, @servers.first]).first
        [@app, clients.to_s, server.name, rate.median.round.to_s, rate.range.map(&:round).join(" – "),
         format("%.2f", p50.median), format("%.2f", p99.median), format("%.2f ×", rate.median / shared.median)]
      end
    end

    private

    def record(clients, server, counts:)
      result = Load.run(server.target, seconds: @options[:seconds], concurrency: clients)
      warn format("%-6s %3d clients  %-20s %8.0f requests/s", @app, clients, server.name, result.rate)
      return unless counts

      @samples.fetch([clients, server]).zip([result.rate, result.p50, result.p99]) { |sample, value| sample << value }
    end
  end
end

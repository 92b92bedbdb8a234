# frozen_string_literal: true

require "tmpdir"
require_relative "cow_row"
require_relative "load"
require_relative "sample"

module Bench
  # One server with one application: its memory while it gets warm, and then how fast it is.
  class CowRun
    STAGES = ["start", "load 1", "load 2", "load 3", "load 4"].freeze
    # The stages that pitchfork begins with a refork.
    REFORKS = [2, 3, 4].freeze

    # @return [Array<ProcessTree>] one a stage
    attr_reader :trees
    # @return [Array<Load::Result>] one a round
    attr_reader :rounds

    # Measures them one after the other, and then their speed in turn, round after round: all are running then, and all but one idle.
    #
    # @param runs [Array<CowRun>]
    # @param rounds [Integer]
    # @param seconds [Numeric] of load in a round
    # @return [Array<CowRun>]
    def self.all(runs, rounds:, seconds:)
      runs.each(&:measure_memory)
      rounds.times { |round| runs.rotate(round).each { |run| run.measure_speed(seconds) } }
      runs
    ensure
      runs.each(&:stop)
    end

    # @param app [CowApp]
    # @param row [CowRow]
    # @param yjit [Boolean]
    # @param requests [Integer] in each of the loads
    def initialize(app, row, yjit:, workers:, requests:)
      @app = app
      @row = row
      @yjit = yjit
      @workers = workers
      @requests = requests
      @rounds = []
    end

    def name
      @row.name
    end

    # Leaves the server running.
    def measure_memory
      @directory = Dir.mktmpdir("bench")
      env = { "DATABASE_PATH" => "#{@directory}/bench.sqlite3" }
      @process = @row.build(@app, workers: @workers, yjit: @yjit, env: env)
      @process.start
      @trees = STAGES.each_index.map { |stage| measure(stage) }
    end

    def measure_speed(seconds)
      @rounds << Load.run(@process.target, seconds: seconds, concurrency: @workers, paths: @app.paths)
    end

    def stop
      @process&.stop
    ensure
      FileUtils.rm_rf(@directory) if @directory
    end

    # @return [Hash{String => Array<Float>}] MiB at each stage, by what is measured
    def rows
      {
        "private per worker" => trees.map(&:private_per_worker),
        "private, mold" => trees.map { |tree| tree.molds.sum { |mold| mold.memory.private } },
        "private, master" => trees.map { |tree| tree.nodes.first.memory.private },
        "PSS, all processes" => trees.map(&:total_pss)
      }.reject { |_, values| values.all?(&:zero?) }
    end

    # @return [Array<String>] requests a second, with their range, and the p99 in milliseconds: medians of the rounds
    def speed
      rates = rounds.map(&:rate)
      [Sample.median(rates).round, rates.minmax.map(&:round).join("–"), format("%.1f", Sample.median(rounds.map(&:p99)))]
    end

    private

    def measure(stage)
      @process.refork if @row.reforks? && REFORKS.include?(stage)
      @app.seed&.call(@process.target) if stage == 1
      Load.run(@process.target, requests: @requests, concurrency: @workers, paths: @app.paths) if stage.positive?
      @process.tree.tap { |tree| progress(stage, tree) }
    end

    def progress(stage, tree)
      warn format("%-8s %2d workers %-12s %-8s %-7s %6.1f MiB private per worker, %6.1f MiB PSS", @app.name, @workers, name,
                  @yjit ? "YJIT" : "no YJIT", STAGES[stage], tree.private_per_worker, tree.total_pss)
    end
  end
end

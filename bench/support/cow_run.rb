# frozen_string_literal: true

require "tmpdir"
require_relative "load"
require_relative "servers"

module Bench
  # One server with one application, measured while it gets warm.
  class CowRun
    STAGES = ["start", "load 1", "load 2", "load 3", "load 4"].freeze
    # The stages that pitchfork begins with a refork.
    REFORKS = [2, 3, 4].freeze

    # @return [String] name of the server
    attr_reader :server
    # @return [Array<ProcessTree>] one a stage
    attr_reader :trees

    # @param app [CowApp]
    # @param server [String] "pitchfork", "puma" or "unicorn"
    def initialize(app, server, yjit:, workers:, requests:)
      @app = app
      @server = server
      @yjit = yjit
      @workers = workers
      @requests = requests
    end

    # @return [self]
    def run
      Dir.mktmpdir("bench") do |directory|
        env = { "DATABASE_PATH" => "#{directory}/bench.sqlite3" }
        Bench.const_get(server.capitalize).open(@app.path, workers: @workers, yjit: @yjit, env: env) do |process|
          @trees = STAGES.each_index.map { |stage| measure(process, stage) }
        end
      end
      self
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

    private

    def measure(process, stage)
      process.refork if server == "pitchfork" && REFORKS.include?(stage)
      @app.seed&.call(process.target) if stage == 1
      Load.run(process.target, requests: @requests, concurrency: @workers, paths: @app.paths) if stage.positive?
      process.tree.tap { |tree| progress(stage, tree) }
    end

    def progress(stage, tree)
      warn format("%-8s %-10s %-8s %-7s %6.1f MiB private per worker, %6.1f MiB PSS", @app.name, server,
                  @yjit ? "YJIT" : "no YJIT", STAGES[stage], tree.private_per_worker, tree.total_pss)
    end
  end
end

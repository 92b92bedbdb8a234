# frozen_string_literal: true

require "json"
require "tmpdir"
require_relative "fork_cost"
require_relative "load"
require_relative "rollout"
require_relative "servers"

module Bench
  # One application whose workers are replaced by a refork under load, again and again; then, without load, what each fork costs.
  class Refork
    WORKERS = 4
    CONCURRENCY = 8

    # A server that reforks as servers do, with a canary that has to answer some requests first.
    class Usual < Pitchfork
      private

      def settings
        ""
      end
    end

    # A server whose molds measure what their forks cost.
    class Measured < Pitchfork
      # @return [String] the file that {ForkCost.measure} writes
      def costs
        "#{directory}/costs"
      end

      private

      # The app's own callback still runs. A mold that measures takes its time before its first worker.
      def settings
        <<~RUBY
          #{super}
          require #{File.expand_path("fork_cost", __dir__).dump}
          own = callbacks[:before_fork]
          before_fork do |server|
            own&.call(server)
            Bench::ForkCost.measure(#{costs.dump})
          end
          promotion :in_place
          spawn_timeout 600
        RUBY
      end
    end

    # @return [CowApp]
    attr_reader :app
    # @return [Array<Rollout>]
    attr_reader :rollouts
    # @return [Array<Hash>] what {ForkCost} found in each mold
    attr_reader :costs

    # @param app [CowApp]
    # @param options [Hash{Symbol => Object}] yjit, rounds, and requests, if it is not the app that says how many make it warm
    def initialize(app, options)
      @app = app
      @options = options
      @requests = options.fetch(:requests, app.requests)
    end

    # @return [self]
    def measure
      Dir.mktmpdir("bench") do |directory|
        open(Usual, directory) do |server|
          warm(server)
          # The first one makes the difference between cold and warm; measured are those that come after it.
          _, *@rollouts = Array.new(@options[:rounds] + 1) { rollout(server, "#{directory}/timeline") }
        end
        open(Measured, directory) do |server|
          @options[:rounds].times do
            warm(server)
            server.refork
          end
          # The first line is the boot mold's, which has served nothing.
          @costs = File.foreach(server.costs).drop(1).map { |line| JSON.parse(line) }
        end
      end
      self
    end

    private

    def open(server, directory, &block)
      env = { "DATABASE_PATH" => "#{directory}/#{server.object_id}.sqlite3" }
      server.open(app.path, workers: WORKERS, yjit: @options[:yjit], env: env) do |process|
        app.seed&.call(process.target)
        block.call(process)
      end
    end

    def warm(server)
      Load.run(server.target, requests: @requests, concurrency: WORKERS, paths: app.paths)
    end

    # @return [Rollout]
    # @raise [Load::Failed] when it cost a request
    def rollout(server, path)
      load = Load.start(server.target, concurrency: CONCURRENCY, paths: app.paths, timeline: path)
      begin
        sleep Rollout::AROUND + Rollout::SLOT
        began = Timeline.now
        generation = server.refork
        done = Timeline.now
        sleep Rollout::AROUND + Rollout::SLOT
      ensure
        load.finish
      end
      mold, = ready(server, "mold", generation, 1)
      workers = ready(server, 'worker=\d+', generation, WORKERS)
      Rollout.new(Timeline.read(path), began: began, done: done, mold: mold, workers: workers).tap do |rollout|
        warn format("%-8s generation %d: rollout in %.2f s, %s", app.name, generation, rollout.seconds,
                    rollout.phases.map { |phase, (rate, p99)| format("%s %.0f requests/s, p99 %.1f ms", phase, rate, p99) }.join("; "))
      end
    end

    # @return [Array<Float>] seconds that these took to get ready, as the log says
    def ready(server, what, generation, count)
      lines = server.log.wait_for(/#{what} gen=#{generation} pid=\d+ ready in/, count: count)
      lines.map { |line| Float(line[/ready in ([\d.]+)s/, 1]) }
    end
  end
end

# frozen_string_literal: true

require "json"
require_relative "cow_app"
require_relative "load"
require_relative "sample"
require_relative "servers"

module Bench
  # The same application served with and without `out_of_band_gc`: both servers are up all the time and asked in turn, so that what
  # else the machine does hits both.
  class OutOfBand
    WORKERS = 2
    # Fewer than the workers: where nobody ever waits, a worker that collects between requests delays none.
    CONCURRENCY = 1
    GARBAGE = CowApp.new(name: "garbage", title: "Much garbage, and a cache", path: File.expand_path("../apps/garbage.ru", __dir__),
                         paths: ["/{n}"], requests: 2_000).freeze
    APPS = [GARBAGE, *CowApp::ALL].freeze

    # One of the two. When it has ended, its master's counters are known.
    class Server < Pitchfork
      # @return [Hash{String => Numeric}]
      attr_reader :counters

      def initialize(app, out_of_band:, **options)
        super(app, **options)
        @out_of_band = out_of_band
      end

      private

      def settings
        <<~RUBY
          #{super}
          require "json"
          out_of_band_gc #{@out_of_band}
          after_worker_exit { |server, *| File.write(#{file.dump}, JSON.generate(server.counters)) }
        RUBY
      end

      def terminate
        super
        @counters = JSON.parse(File.read(file))
      end

      def file
        "#{directory}/counters"
      end
    end

    # What was measured of one server.
    #
    # @!attribute within
    #   @return [Float] milliseconds of collections within 1,000 requests
    # @!attribute between
    #   @return [Float] the same, between them
    # @!attribute majors
    #   @return [Array(Integer, Integer), nil] major collections that began in the app, and all; nil: the app does not say
    Row = Struct.new(:p50, :p99, :within, :between, :memory, :majors, keyword_init: true) do
      def gc
        within + between
      end
    end

    # @param app [CowApp]
    # @param options [Hash{Symbol => Object}] yjit, rounds, and requests, if it is not the app that says how many
    def initialize(app, options)
      @app = app
      @options = options
      @requests = options[:requests] || app.requests
    end

    # @return [Hash{Boolean => Row}] by the setting
    def measure
      @samples = Hash.new { |hash, key| hash[key] = Sample.new }
      rows = {}
      open(false) do |off|
        open(true) do |on|
          servers = { false => off, true => on }
          servers.each_value { |server| warm_up(server) }
          @options[:rounds].times { servers.each { |setting, server| load(setting, server) } }
          rows = servers.to_h { |setting, server| [setting, row(setting, server)] }
          @servers = servers
        end
      end
      rows.each { |setting, row| add_time(row, @servers[setting].counters) }
    end

    private

    def open(setting, &block)
      Server.open(@app.path, out_of_band: setting, workers: WORKERS, yjit: @options[:yjit], &block)
    end

    # As in production: what is measured comes from a warm mold.
    def warm_up(server)
      @app.seed&.call(server.target)
      run(server)
      server.refork
    end

    def load(setting, server)
      result = run(server)
      @samples[[setting, :p50]] << result.p50
      @samples[[setting, :p99]] << result.p99
    end

    def run(server)
      Load.run(server.target, requests: @requests, concurrency: CONCURRENCY, paths: @app.paths || ["/"])
    end

    def row(setting, server)
      Row.new(p50: @samples[[setting, :p50]].median, p99: @samples[[setting, :p99]].median,
              memory: server.tree.private_per_worker, majors: (majors(server) if @app == GARBAGE))
    end

    # Each worker answers for itself; the one that has registered first answers nearly all.
    def majors(server)
      answers = Array.new(20) { JSON.parse(Net::HTTP.get(URI("http://#{server.target}/gc"))) }.uniq { |answer| answer["pid"] }
      %w[major all_major].map { |name| answers.sum { |answer| answer[name] } }
    end

    # Of all that the server has answered, the warm-up included.
    def add_time(row, counters)
      thousands = @requests * (@options[:rounds] + 1) / 1000.0
      row.within, row.between = %w[gc_seconds_within gc_seconds_between].map { |name| counters.fetch(name) * 1000 / thousands }
    end
  end
end

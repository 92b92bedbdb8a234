# frozen_string_literal: true

require "json"
require_relative "tools"

module Bench
  # Runs the load generator and reads its report.
  module Load
    # Raised when a request was not answered as it has to be.
    Failed = Class.new(StandardError)

    # @!attribute rate
    #   @return [Float] requests a second
    # @!attribute p50
    #   @return [Float] milliseconds from connect to end of file, half of the requests
    # @!attribute p99
    #   @return [Float] the same, 99 of 100 requests
    Result = Struct.new(:requests, :rate, :p50, :p99, keyword_init: true)

    # A load that runs until it is told to stop.
    class Background
      def initialize(command)
        @io = IO.popen(command, "r+")
      end

      # @return [Result]
      # @raise [Failed]
      def finish
        @io.close_write
        report = @io.read
        @io.close
        Load.result(report)
      end
    end

    module_function

    # @param target [String] HOST:PORT or the path of a UNIX socket
    # @param paths [Array<String>] GET of these, taken in turn; {n} in one becomes the number of the request
    # @param cases [String, nil] or what this file lists, see bench/load.rs
    # @return [Result]
    # @raise [Failed] when a request was not answered with 200, or as the list of cases says
    def run(target, requests: nil, seconds: nil, concurrency: 8, paths: ["/"], cases: nil)
      limit = requests ? ["--requests", requests.to_s] : ["--seconds", seconds.to_s]
      what = cases ? ["--cases", cases] : paths(paths)
      result(IO.popen(command(target, concurrency, what) + limit, &:read))
    end

    # @param timeline [String, nil] path of a file that gets a line for each answer, see {Timeline}
    # @return [Background]
    def start(target, concurrency: 8, paths: ["/"], timeline: nil)
      what = timeline ? paths(paths) + ["--timeline", timeline] : paths(paths)
      Background.new(command(target, concurrency, what) + ["--until-eof"])
    end

    # The same for a {Workload}, as {Wrk.measure}.
    #
    # @return [Result]
    # @raise [Failed] when a response was not the expected one
    def measure(target, workload, seconds:, concurrency:)
      run(target, seconds: seconds, concurrency: concurrency, cases: workload.cases)
    end

    def paths(paths)
      paths.flat_map { |path| ["--path", path] }
    end

    def command(target, concurrency, what)
      [Tools.load, "--json", "--concurrency", concurrency.to_s, *what, target]
    end

    def result(report)
      json = JSON.parse(report)
      failed = json["outcomes"].reject { |name, count| name == "ok" || count.zero? }
      raise Failed, "of #{json["requests"]} requests: #{failed.map { |name, count| "#{count} #{name}" }.join(", ")}" if failed.any?

      Result.new(requests: json["requests"], rate: json["rate"], p50: json["p50_ms"], p99: json["p99_ms"])
    end
  end
end

# frozen_string_literal: true

require_relative "drawing"
require_relative "machine"
require_relative "recovery"

module Bench
  # Turns {Recovery}s into a page of Markdown and a chart.
  class RecoveryReport
    BASE = "pitchfork"
    private_constant :BASE

    # @param options [Hash{Symbol => Object}] rounds, yjit
    def initialize(options)
      @about = [
        *Machine.describe,
        "* #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}",
        "* #{Machine.gems("puma", "unicorn", "rack", "rails")}; one worker, one thread, the app loaded before the fork"
      ]
      @rounds = options[:rounds]
      @chart = Chart.new(
        title: "The first #{Recovery::REQUESTS} requests to the replacement of a killed worker", y: "ms a request (logarithmic)",
        x: ["warm", *Recovery::PIECES.keys], marks: { 0.5 => "kill" }, scale: Scale::Logarithmic,
        note: "by number of the request, the first one counted from the kill; medians of #{@rounds} rounds; Ruby #{RUBY_VERSION}"
      )
      @parts = []
    end

    # An application that could not be measured.
    def missing(app)
      @parts << "## #{app.title}\n\nNot measured: #{app.gem.join(" ")} is not installed.\n"
    end

    # @param recovery [Recovery] measured
    def add(recovery)
      medians = recovery.latencies.transform_values(&:medians)
      @chart.panel(recovery.app.title, medians.transform_values(&:values))
      @parts << "## #{recovery.app.title}\n\n#{milliseconds(recovery.latencies, medians)}\n"
      return unless medians.key?(BASE) && medians.size > 1

      @parts << "How many times as long as with pitchfork:\n\n#{ratios(recovery.latencies, medians)}\n"
    end

    # @return [String]
    def markdown
      <<~MARKDOWN
        # Recovery: the first #{Recovery::REQUESTS} requests after a worker was killed

        #{@about.join("\n")}
        * the worker is killed with SIGKILL while it is idle; under pitchfork it is of generation #{Recovery::GENERATION}, and so is its replacement. All servers
          have served the same requests before; Puma's and Unicorn's replacement comes from a master that has served none
        * milliseconds a request, one at a time, from connect to end of file, by number of the request: means of each piece, medians of
          #{@rounds} interleaved rounds. Request 1 counts from the kill: noticing, forking, getting ready and the first answer
        * warm: the worker before it was killed for the first time; total: all #{Recovery::REQUESTS} together

        ![Latency by number of the request](#{chart_name})

        #{@parts.join("\n")}
        Rendered by `ruby bench/recovery.rb`.
      MARKDOWN
    end

    # @return [Hash{String => String}] contents by file name
    def files
      { "recovery-#{RUBY_VERSION}.md" => markdown, chart_name => @chart.to_svg }
    end

    private

    def chart_name
      "recovery-#{RUBY_VERSION}.svg"
    end

    def milliseconds(latencies, medians)
      table = Table.new("server", "warm", "1", "1: min – max", *Recovery::PIECES.keys.drop(1), "total")
      medians.each do |name, pieces|
        warm, first, *rest = pieces.values
        range = latencies[name].range_of_first.map { |value| number(value) }.join(" – ")
        table << [name, number(warm), number(first), range, *rest.map { |value| number(value) }, number(latencies[name].total)]
      end
      table
    end

    def ratios(latencies, medians)
      base = [*medians[BASE].values, latencies[BASE].total]
      table = Table.new("server", *medians[BASE].keys, "total")
      medians.except(BASE).each do |name, pieces|
        values = [*pieces.values, latencies[name].total]
        table << [name, *values.zip(base).map { |value, other| format("%.1f ×", value / other) }]
      end
      table
    end

    def number(value)
      format(value < 10 ? "%.2f" : "%.1f", value)
    end
  end
end

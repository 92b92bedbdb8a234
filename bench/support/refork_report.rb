# frozen_string_literal: true

require_relative "drawing"
require_relative "machine"
require_relative "refork"
require_relative "refork_chart"
require_relative "sample"

module Bench
  # Turns {Refork}s into a page of Markdown and two charts.
  class ReforkReport
    METRICS = { "throughput" => "requests/s", "p99" => "p99 in ms" }.freeze
    private_constant :METRICS

    # @param options [Hash{Symbol => Object}] rounds, yjit
    def initialize(options)
      @about = [
        *Machine.describe,
        "* #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}",
        "* #{Machine.gems("rack", "rails")}; #{Refork::WORKERS} workers",
        "* #{Refork::CONCURRENCY} connections at a time, one connection a request, by bench/load.rs"
      ]
      @rounds = options[:rounds]
      @reforks = []
      @missing = []
    end

    # An application that could not be measured.
    def missing(app)
      @missing << "## #{app.title}\n\nNot measured: #{app.gem.join(" ")} is not installed.\n"
    end

    # @param refork [Refork] measured
    def add(refork)
      @reforks << refork
    end

    # @return [String]
    def markdown
      <<~MARKDOWN
        # Refork: what a rollout costs while it happens

        #{@about.join("\n")}
        * medians of #{@rounds} reforks under load, from warm workers to warm workers; every request was answered with 200
        * before and after: #{Rollout::AROUND} s each; during: from the signal (USR2) to the end of the oldest process
        * blocked: what the mold spends in one fork, and so can't answer the next order, measured in the mold itself,
          #{ForkCost::TIMES} times each in turn. fork: of a child; fork + fork: of a grandchild, with nothing but Process.fork and Process.wait;
          SiblingFork: lib/pitchfork/sibling_fork.rb. The share is taken in each mold, and is the median of those

        #{METRICS.map { |name, unit| "![#{unit} around a refork](#{chart_name(name)})" }.join("\n")}

        #{[*@reforks.map { |refork| section(refork) }, *@missing].join("\n")}
        Rendered by `ruby bench/refork.rb`.
      MARKDOWN
    end

    # @return [Hash{String => String}] contents by file name
    def files
      charts = METRICS.each_with_index.to_h { |(name, unit), metric| [chart_name(name), ReforkChart.new(@reforks, unit, metric).to_svg] }
      { "refork-#{RUBY_VERSION}.md" => markdown, **charts }
    end

    private

    def chart_name(metric)
      "refork-#{RUBY_VERSION}-#{metric}.svg"
    end

    def section(refork)
      <<~MARKDOWN
        ## #{refork.app.title}

        #{phases(refork.rollouts)}

        #{durations(refork.rollouts)}

        #{blocked(refork.costs)}
      MARKDOWN
    end

    def phases(rollouts)
      table = Table.new("phase", "requests/s", "of before", "p99 ms", "of before")
      before = nil
      rollouts.first.phases.each_key do |phase|
        rate, quantile = [0, 1].map { |metric| median(rollouts) { |rollout| rollout.phases[phase][metric] } }
        before ||= [rate, quantile]
        table << [phase, rate.round, format("%.0f %%", rate / before[0] * 100),
                  format("%.1f", quantile), format("%.1f ×", quantile / before[1])]
      end
      table
    end

    def durations(rollouts)
      table = Table.new("duration", "median ms", "min – max")
      { "refork, from the signal to the end of the oldest process" => rollouts.map(&:seconds),
        "of that the mold's preparation" => rollouts.map(&:mold),
        "a worker, from the order to ready" => rollouts.flat_map(&:workers) }.each do |what, seconds|
        milliseconds = seconds.map { |value| value * 1e3 }
        table << [what, Sample.median(milliseconds).round, milliseconds.minmax.map(&:round).join(" – ")]
      end
      table
    end

    def blocked(costs)
      mapped = Sample.median(costs.map { |cost| cost["mapped"] }).round
      medians = costs.map { |cost| cost["milliseconds"].transform_values { |values| Sample.median(values) } }
      table = Table.new("blocked, in a mold of #{mapped} MiB", "median ms", "min – max of #{costs.size} molds", "of #{ForkCost::BASE}")
      ForkCost::KINDS.each_key do |kind|
        values = medians.map { |mold| mold[kind] }
        ratio = median(medians) { |mold| mold[kind] / mold[ForkCost::BASE] }
        table << [kind, format("%.2f", Sample.median(values)), values.minmax.map { |value| format("%.2f", value) }.join(" – "),
                  format("%.0f %%", ratio * 100)]
      end
      table
    end

    def median(things, &block)
      Sample.median(things.map(&block))
    end
  end
end

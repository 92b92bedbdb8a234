# frozen_string_literal: true

require_relative "chart"
require_relative "cow_run"
require_relative "machine"
require_relative "table"

module Bench
  # Turns {CowRun}s into a page of Markdown and a chart for each application.
  class CowReport
    # @param workers [Integer]
    def initialize(workers:)
      @workers = workers
      @charts = {}
      @parts = [<<~MARKDOWN]
        # Copy-on-write: memory while an application gets warm

        #{Machine.describe.join("\n")}
        * #{Machine.gems("puma", "unicorn", "rack", "rails")}; #{workers} workers, one thread each, the app loaded before the fork
        * MiB from smaps_rollup. Private: Private_Clean + Private_Dirty, of a worker the mean. PSS: sum over all processes of a server
        * pitchfork reforks (USR2) before load 2, 3 and 4, so its columns show generation 0, 0, 1, 2 and 3
      MARKDOWN
    end

    # An application that could not be measured.
    def missing(app)
      @parts << "## #{app.title}\n\nNot measured: #{app.gem} is not installed.\n"
    end

    # @param app [CowApp]
    # @param requests [Integer] in each load
    # @param panels [Hash{String => Array<CowRun>}] the runs with and without YJIT
    def add(app, requests, panels)
      @charts[chart_name(app)] = chart(app, requests, panels)
      @parts << "## #{app.title}\n\n#{requests} requests in each load.\n\n![PSS of all processes](#{chart_name(app)})\n"
      panels.each { |heading, runs| @parts << "### #{app.title}, #{heading}\n\n#{table(runs)}\n" }
    end

    # @return [String]
    def markdown
      [*@parts, "Rendered by `ruby bench/cow.rb`.\n"].join("\n")
    end

    # @return [Hash{String => String}] contents by file name
    def files
      { "cow-#{RUBY_VERSION}.md" => markdown, **@charts }
    end

    private

    def chart_name(app)
      "cow-#{RUBY_VERSION}-#{app.name}.svg"
    end

    def chart(app, requests, panels)
      chart = Chart.new(title: "#{app.title}: PSS of all processes", y: "MiB", x: CowRun::STAGES,
                        note: "#{@workers} workers; #{requests} requests in each load; Ruby #{RUBY_VERSION}; only pitchfork reforks",
                        marks: CowRun::REFORKS.to_h { |stage| [stage - 0.5, "refork"] })
      panels.each { |heading, runs| chart.panel(heading, runs.to_h { |run| [run.server, run.trees.map(&:total_pss)] }) }
      chart.to_svg
    end

    def table(runs)
      table = Table.new("server", "MiB", *CowRun::STAGES)
      runs.each do |run|
        run.rows.each { |name, values| table << [run.server, name, *values.map { |mib| format("%.1f", mib) }] }
      end
      table
    end
  end
end

# frozen_string_literal: true

require_relative "cow_run"
require_relative "drawing"
require_relative "machine"

module Bench
  # Turns {CowRun}s into a page of Markdown, with a chart for each application and number of workers.
  class CowReport
    # @param name [String] what the names of its files begin with
    def initialize(name)
      @name = name
      @charts = {}
      @parts = [<<~MARKDOWN]
        # Copy-on-write: memory while an application gets warm

        #{Machine.describe.join("\n")}
        * #{Machine.gems("puma", "unicorn", "rack", "rails")}; one thread a worker, the app loaded before the fork
        * MiB from smaps_rollup. Private: Private_Clean + Private_Dirty, of a worker the mean. PSS: sum over all processes of a server
        * pitchfork reforks (USR2) before load 2, 3 and 4, so its columns show generation 0, 0, 1, 2 and 3
        * features off: pitchfork without mold preparation; defaults: nothing configured; recommended: the lines below each heading, reforked
          like the others
      MARKDOWN
    end

    # An application that could not be measured.
    def missing(app)
      @parts << "## #{app.title}\n\nNot measured: #{app.gem.join(" ")} is not installed.\n"
    end

    # @param app [CowApp]
    # @param workers [Integer]
    # @param requests [Integer] in each load
    # @param panels [Hash{Boolean => Array<CowRun>}] the runs by whether they have YJIT
    def add(app, workers, requests, panels)
      name = "#{@name}-#{RUBY_VERSION}-#{app.name}-#{workers}.svg"
      @charts[name] = chart(app, workers, requests, panels)
      @parts << "## #{app.title}, #{workers} workers\n\n#{requests} requests in each load.\n\n![PSS of all processes](#{name})\n"
      panels.each do |yjit, runs|
        @parts << "### #{app.title}, #{workers} workers, #{heading(yjit)}\n"
        @parts << "Recommended:\n\n#{app.recommended.fetch(yjit).gsub(/^/, "    ")}\n"
        @parts << "#{memory(runs)}\n"
        @parts << "#{speed(runs)}\n" if runs.first.rounds.any?
      end
    end

    # @return [String]
    def markdown
      [*@parts, "Rendered by `ruby bench/cow.rb`.\n"].join("\n")
    end

    # @return [Hash{String => String}] contents by file name
    def files
      { "#{@name}-#{RUBY_VERSION}.md" => markdown, **@charts }
    end

    private

    def heading(yjit)
      yjit ? "with YJIT" : "without YJIT"
    end

    def chart(app, workers, requests, panels)
      chart = Chart.new(title: "#{app.title}: PSS of all processes", y: "MiB", x: CowRun::STAGES,
                        note: "#{workers} workers; #{requests} requests in each load; Ruby #{RUBY_VERSION}; only pitchfork reforks",
                        marks: CowRun::REFORKS.to_h { |stage| [stage - 0.5, "refork"] })
      panels.each { |yjit, runs| chart.panel(heading(yjit), runs.to_h { |run| [run.name, run.trees.map(&:total_pss)] }) }
      chart.to_svg
    end

    def memory(runs)
      table = Table.new("server", "MiB", *CowRun::STAGES)
      runs.each do |run|
        run.rows.each { |name, values| table << [run.name, name, *values.map { |mib| format("%.1f", mib) }] }
      end
      table
    end

    def speed(runs)
      table = Table.new("server", "requests/s", "from–to", "p99 ms")
      runs.each { |run| table << [run.name, *run.speed] }
      table
    end
  end
end

# frozen_string_literal: true

require_relative "../../../bench/support/drawing"
require_relative "verdict"

module Chaos
  # Markdown that says what was done to the server and what it made of it.
  class Report
    FATES = ["scenario", "faults", "seconds", "sent", "answered", "inside", "how", "slowest ms", "lost"].freeze
    STRENGTH = ["scenario", "strikes", "median s", "99 % s", "longest s", "boots", "boot s", "permitted s"].freeze
    RESIDUE = ["scenario", "processes", "zombies", "strangers", "master fds", "mold fds", "worker fds", "left at the end"].freeze
    private_constant :FATES, :STRENGTH, :RESIDUE

    # @param results [Array<Result>]
    # @param machine [Array<String>] see {Bench::Machine.describe}, before the first run
    # @param skipped [Hash{String => String}] why, by scenario
    def initialize(results, machine:, skipped: {})
      @results = results
      @machine = machine
      @skipped = skipped
    end

    # @return [Integer]
    def faults
      sum(&:faults)
    end

    # @return [Array<String>]
    def complaints
      @results.flat_map { |result| Verdict.new(result).complaints }
    end

    # @return [String]
    def to_s
      <<~MARKDOWN
        # #{faults} faults in a server under load

        #{@machine.join("\n")}
        * seed #{@results.map(&:seed).uniq.join(", ")}; 4 clients without a pause, on TCP and a UNIX socket by turns

        ## Requests

        *Inside* a process that was struck, a request may fail, and *slowest* is the longest time from the blow to the closed
        connection. *Lost* is any other, and there must be none.

        #{fates}

        ## Full strength

        All workers and a mold ready and a request answered, from the end of the fault. Permitted are #{Verdict::GOAL} s, the app's
        boot where one was needed, and what the settings make of the fault (`spawn_timeout` for a hook that hangs).

        #{strength}

        ## What is left

        Before and after, under no load; of workers the one with most descriptors.

        #{residue}

        #{@skipped.map { |title, why| "Skipped: #{title} (#{why}).\n" }.join}
        #{complaints.empty? ? "Every promise was kept." : complaints.map { |complaint| "* **broken:** #{complaint}" }.join("\n")}

        Rendered by `rake chaos`; what is broken, and how, is in [docs/chaos.md](../../docs/chaos.md).
      MARKDOWN
    end

    private

    def fates
      table = Bench::Table.new(*FATES)
      @results.each do |result|
        ledger = result.ledger
        how = ledger.inside.map(&:outcome).tally.map { |outcome, count| "#{count} #{outcome}" }.join(", ")
        inside = ledger.inside.size + result.mourned
        table << [result.title, result.faults, result.seconds.round, ledger.sent, ledger.answered, inside, how,
                  ledger.inside.any? ? (ledger.slowest * 1000).round : "", ledger.lost.size - result.mourned]
      end
      table << ["**together**", faults, sum(&:seconds).round, sum { |r| r.ledger.sent }, sum { |r| r.ledger.answered },
                sum { |r| r.ledger.inside.size + r.mourned }, "", "", sum { |r| r.ledger.lost.size - r.mourned }]
    end

    def strength
      table = Bench::Table.new(*STRENGTH)
      @results.each do |result|
        sorted = result.recoveries.sort
        quantiles = [sorted[sorted.size / 2], sorted[(sorted.size * 0.99).floor], sorted.last].map { |seconds| seconds&.round(3) }
        permitted = Verdict::GOAL + result.scenario.patience + (result.boots.positive? ? result.boot : 0)
        table << [result.title, sorted.size, *quantiles, result.boots, format("%.2f", result.boot), format("%.2f", permitted)]
      end
      table
    end

    def residue
      table = Bench::Table.new(*RESIDUE)
      @results.each do |result|
        cells = result.before.map { |what, number| [number, result.after&.fetch(what)].uniq.join(" → ") }
        table << [result.title, *cells, result.left.size]
      end
      table
    end

    def sum(&number)
      @results.sum(&number)
    end
  end
end

# frozen_string_literal: true

# What copy-on-write is worth: memory per process while an application gets warm, under pitchfork, which reforks, and under
# Puma and Unicorn, which fork once, after loading the app; and how fast each of them is then.
#
#   ruby bench/cow.rb [--apps methods,rails] [--rows "features off,defaults,recommended,puma,unicorn"] [--yjit off,on]
#                     [--workers 4,16] [--requests N] [--rounds 5] [--seconds 3] [--name cow] [--quick]
#
# Every server is measured when it is ready and after each of four loads of the same requests; pitchfork reforks before the
# second, third and fourth. So a generation is measured when it has served as much as its neighbours in the table, not fresh.
# Then all are asked in turn, round after round: requests a second and p99.
# With YJIT, both apps and 4 workers that takes 5 minutes on a quiet machine of two cores.
# Prints tables and writes them to bench/results/cow-RUBY.md (--name), with charts next to it.

require "optparse"
require_relative "support/cow_app"
require_relative "support/cow_report"
require_relative "support/cow_row"
require_relative "support/cow_run"
require_relative "support/machine"
require_relative "support/results"

options = { apps: Bench::CowApp::ALL.map(&:name), yjit: Bench::Machine.yjit? ? %w[off on] : %w[off], workers: %w[4], rounds: 5, seconds: 3,
            name: "cow" }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array)
  parser.on("--rows LIST", Array, "of the tables (default: all)")
  parser.on("--yjit LIST", Array, "on, off or both")
  parser.on("--workers LIST", Array, "numbers of workers (default: 4)")
  parser.on("--requests N", Integer, "in each of the four loads (default: depends on the app; for 4 workers, else in proportion)")
  parser.on("--rounds N", Integer, "of load, for the speed (default: 5; 0: memory only)")
  parser.on("--seconds N", Float, "of load in a round (default: 3)")
  parser.on("--name NAME", "of the result files")
  parser.on("--quick", "a smoke test: few requests, no result files")
end.parse!(into: options)
options.update(rounds: 1, seconds: 0.2) if options[:quick]

report = Bench::CowReport.new(options[:name])
apps = Bench::CowApp::ALL.select { |app| options[:apps].include?(app.name) }
apps.product(options[:workers].map { |number| Integer(number, 10) }).each do |app, workers|
  next report.missing(app) unless app.available?

  requests = options[:quick] ? 100 : options.fetch(:requests, app.requests) * workers / 4
  panels = options[:yjit].map { |yjit| yjit == "on" }.to_h do |yjit|
    rows = Bench::CowRow.all(app, yjit).select { |row| options.fetch(:rows, [row.name]).include?(row.name) }
    runs = rows.map { |row| Bench::CowRun.new(app, row, yjit: yjit, workers: workers, requests: requests) }
    [yjit, Bench::CowRun.all(runs, rounds: options[:rounds], seconds: options[:seconds])]
  end
  report.add(app, workers, requests, panels)
end

puts report.markdown
Bench.write_results(report.files, if_complete: !options[:quick])

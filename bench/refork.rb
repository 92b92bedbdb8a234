# frozen_string_literal: true

# What a refork costs while it happens: throughput and p99 before, during and after it, how long it takes, and how long the mold
# stands still for each worker that it forks, compared with the two forks that this takes and nothing else.
#
#   ruby bench/refork.rb [--apps methods,rails] [--rounds 7] [--[no-]yjit] [--requests N] [--quick]
#
# The server is warm and reforks once before the first round, so that all rounds are alike: warm workers replaced by warm workers,
# under a load that never pauses. The forks are measured in molds of another server, as its workers would wait for that.
# Prints tables and writes them to bench/results/refork-RUBY.md, with two charts next to it. Fails when a refork costs a request.

require "optparse"
require_relative "support/cow_app"
require_relative "support/machine"
require_relative "support/refork"
require_relative "support/refork_report"
require_relative "support/results"

apps = Bench::CowApp::ALL.map(&:name)
options = { apps: apps, rounds: 7, yjit: Bench::Machine.yjit? }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array, apps.join(","))
  parser.on("--rounds N", Integer, "reforks under load, and molds in which forks are measured")
  parser.on("--[no-]yjit", "run the server with --yjit (default: from Ruby 3.2 on, when it has it)")
  parser.on("--requests N", Integer, "to make the workers warm (default: depends on the app)")
  parser.on("--quick", "a smoke test: few requests, two rounds, no result files")
end.parse!(into: options)
unknown = options[:apps] - apps
abort "--apps #{unknown.join(",")}: #{apps.join(" or ")}" if unknown.any?
options.update(rounds: 2, requests: 100) if options[:quick]

report = Bench::ReforkReport.new(options)
Bench::CowApp::ALL.select { |app| options[:apps].include?(app.name) }.each do |app|
  app.available? ? report.add(Bench::Refork.new(app, options).measure) : report.missing(app)
end

puts report.markdown
Bench.write_results(report.files, if_complete: !options[:quick] && options[:apps] == apps)

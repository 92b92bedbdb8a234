# frozen_string_literal: true

# What it costs to lose a worker: the latency of the first 200 requests after one was killed, under pitchfork, whose replacement
# comes from a mold that was a warm worker itself, and under Puma and Unicorn, whose replacement comes from a master that has loaded
# the app and served nothing.
#
#   ruby bench/recovery.rb [--apps methods,rails] [--servers pitchfork,puma,unicorn] [--rounds 9] [--[no-]yjit] [--requests N] [--quick]
#
# Each server has one worker, so that whatever is asked after the kill is asked of the replacement; that it is another process,
# and the only one, is verified after each round. All servers are up all the time and are measured in turn, round after round.
# Prints tables and writes them to bench/results/recovery-RUBY.md, with a chart next to it.

require "optparse"
require_relative "support/cow_app"
require_relative "support/machine"
require_relative "support/recovery"
require_relative "support/recovery_report"
require_relative "support/results"

all = { apps: Bench::CowApp::ALL.map(&:name), servers: %w[pitchfork puma unicorn] }
options = { **all, rounds: 9, yjit: Bench::Machine.yjit? }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array, all[:apps].join(","))
  parser.on("--servers LIST", Array, all[:servers].join(","))
  parser.on("--rounds N", Integer, "workers killed of each server")
  parser.on("--[no-]yjit", "run the servers with --yjit (default: from Ruby 3.2 on, when it has it)")
  parser.on("--requests N", Integer, "between two promotions (default: depends on the app)")
  parser.on("--quick", "a smoke test: few requests, two rounds, no result files")
end.parse!(into: options)
all.each do |name, known|
  unknown = options[name] - known
  abort "--#{name} #{unknown.join(",")}: #{known.join(" or ")}" if unknown.any?
end
options.update(rounds: 2, requests: 100) if options[:quick]

report = Bench::RecoveryReport.new(options)
Bench::CowApp::ALL.select { |app| options[:apps].include?(app.name) }.each do |app|
  app.available? ? report.add(Bench::Recovery.new(app, options).measure) : report.missing(app)
end

puts report.markdown
Bench.write_results(report.files, if_complete: !options[:quick] && options.slice(*all.keys) == all)

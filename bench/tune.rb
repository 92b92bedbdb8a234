# frozen_string_literal: true

# What `pitchfork tune` finds for the applications of bench/cow.rb.
#
#   ruby bench/tune.rb [--apps methods,rails] [--minutes 10] [--workers 4] [--quick]
#
# As they are they do not refork, and have YJIT where it is any good. Prints the reports and writes them to
# bench/results/tune-APP-RUBY.md, with charts next to them. bench/support/cow_app.rb has the recommended lines.

require "optparse"
require_relative "support/results"
require_relative "support/tune_run"

options = { apps: Bench::CowApp::ALL.map(&:name), minutes: 10.0, workers: 4 }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array)
  parser.on("--minutes M", Float, "for each app (default: 10)")
  parser.on("--workers N", Integer, "(default: 4)")
  parser.on("--quick", "a smoke test: half a minute each, no result files")
end.parse!(into: options)
options[:minutes] = 0.5 if options[:quick]

Bench::CowApp::ALL.select { |app| options[:apps].include?(app.name) && app.available? }.each do |app|
  files = Bench::TuneRun.new(app, minutes: options[:minutes], workers: options[:workers]).files
  results = files.transform_keys { |extension| "tune-#{app.name}-#{RUBY_VERSION}.#{extension}" }
  Bench.write_results(results, if_complete: !options[:quick])
end

# frozen_string_literal: true

# What copy-on-write is worth: memory per process while an application gets warm, under pitchfork, which reforks, and under
# Puma and Unicorn, which fork once, after loading the app.
#
#   ruby bench/cow.rb [--apps methods,rails] [--servers pitchfork,puma,unicorn] [--yjit off,on]
#                     [--requests N] [--workers 4] [--quick]
#
# Every server is measured when it is ready and after each of four loads of the same requests; pitchfork reforks before the
# second, third and fourth. So a generation is measured when it has served as much as its neighbours in the table, not fresh.
# Prints tables and writes them to bench/results/cow-RUBY.md, with a chart for each app next to it.

require "fileutils"
require "optparse"
require_relative "support/cow_app"
require_relative "support/cow_report"
require_relative "support/cow_run"
require_relative "support/machine"

options = { apps: %w[methods rails], servers: %w[pitchfork puma unicorn], yjit: Bench::Machine.yjit? ? %w[off on] : %w[off], workers: 4 }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array)
  parser.on("--servers LIST", Array)
  parser.on("--yjit LIST", Array, "on, off or both")
  parser.on("--requests N", Integer, "in each of the four loads (default: depends on the app)")
  parser.on("--workers N", Integer)
  parser.on("--quick", "a smoke test: few requests, no result files")
end.parse!(into: options)

report = Bench::CowReport.new(workers: options[:workers])
Bench::CowApp::ALL.select { |app| options[:apps].include?(app.name) }.each do |app|
  next report.missing(app) unless app.available?

  requests = options[:quick] ? 100 : options.fetch(:requests, app.requests)
  panels = options[:yjit].to_h do |yjit|
    runs = options[:servers].map do |server|
      Bench::CowRun.new(app, server, yjit: yjit == "on", workers: options[:workers], requests: requests).run
    end
    [yjit == "on" ? "with YJIT" : "without YJIT", runs]
  end
  report.add(app, requests, panels)
end

puts report.markdown
unless options[:quick]
  FileUtils.mkdir_p("#{__dir__}/results")
  report.files.each { |name, content| File.write("#{__dir__}/results/#{name}", content) }
end

# frozen_string_literal: true

# What `out_of_band_gc` is worth: latency, time of collections within requests and between them, and private memory, with it and
# without.
#
#   ruby bench/gc.rb [--apps garbage,methods,rails] [--rounds 5] [--requests N] [--[no-]yjit] [--quick]
#
# Both servers are up all the time and are asked in turn; each has reforked once before the first round. Prints a table and writes it
# to bench/results/gc-RUBY.md.

require "optparse"
require_relative "support/out_of_band"
require_relative "support/drawing"
require_relative "support/machine"
require_relative "support/results"

apps = Bench::OutOfBand::APPS.map(&:name)
options = { apps: apps, rounds: 5, yjit: Bench::Machine.yjit? }
OptionParser.new do |parser|
  parser.on("--apps LIST", Array, apps.join(","))
  parser.on("--rounds N", Integer)
  parser.on("--requests N", Integer, "in each round (default: depends on the app)")
  parser.on("--[no-]yjit", "run the servers with --yjit (default: from Ruby 3.2 on, when it has it)")
  parser.on("--quick", "a smoke test: few requests, two rounds, no result file")
end.parse!(into: options)
unknown = options[:apps] - apps
abort "--apps #{unknown.join(",")}: #{apps.join(", ")}" if unknown.any?
options.update(rounds: 2, requests: 200) if options[:quick]

about = Bench::Machine.describe
table = Bench::Table.new(
  "app", "out_of_band_gc", "p50 ms", "p99 ms", "GC within, ms per 1,000", "between", "majors within, of all", "private MiB per worker"
)
missing = []
Bench::OutOfBand::APPS.select { |app| options[:apps].include?(app.name) }.each do |app|
  next missing << app.gem unless app.available?

  rows = Bench::OutOfBand.new(app, options).measure
  rows.each do |setting, row|
    figures = [row.p50, row.p99, row.within, row.between].map { |figure| format("%.2f", figure) }
    table << [app.name, setting, *figures, row.majors&.join(" of ") || "-", format("%.1f", row.memory)]
  end
  off, on = rows.values_at(false, true)
  ratio = ->(&figure) { format("%.2f ×", figure.(on) / figure.(off)) }
  table << [app.name, "on / off", ratio.(&:p50), ratio.(&:p99), ratio.(&:within), "all GC: #{ratio.(&:gc)}", "", ratio.(&:memory)]
end

report = <<~MARKDOWN
  # Garbage collection out of the request

  #{about.join("\n")}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * #{Bench::OutOfBand::WORKERS} workers, #{Bench::OutOfBand::CONCURRENCY} connection at a time, #{options[:rounds]} interleaved rounds after a warm-up and a refork
  * latency is the median of the rounds; GC is processor time, warm-up included; majors are those that began in the app

  #{table}

  #{missing.map { |gem| "Not measured, as it is not installed: #{gem}." }.join("\n")}
  Rendered by `ruby bench/gc.rb`.
MARKDOWN
puts report
Bench.write_results({ "gc-#{RUBY_VERSION}.md" => report }, if_complete: !options[:quick] && options[:apps] == apps && missing.empty?)

# frozen_string_literal: true

# One accept queue that all workers share, which is the default, against a queue for each worker (`listen …, queues:`): an app that
# waits for 2 ms, and one that does nothing.
#
#   ruby bench/queues.rb [--workers 8] [--clients 6,16] [--rounds 5] [--seconds 2] [--quick]
#
# All servers are up all the time and are measured in turn, round after round. Prints a table and writes it to
# bench/results/queues-RUBY.md.

require "fileutils"
require "optparse"
require_relative "support/drawing"
require_relative "support/machine"
require_relative "support/queues"

options = { workers: 8, clients: [6, 16], rounds: 5, seconds: 2 }
OptionParser.new do |parser|
  parser.on("--workers N", Integer)
  parser.on("--clients LIST", Array, "how many at once")
  parser.on("--rounds N", Integer)
  parser.on("--seconds S", Integer, "of each measurement")
  parser.on("--quick", "a smoke test: no result file")
end.parse!(into: options)
options[:clients] = options[:clients].map { |count| Integer(count) }
options.update(rounds: 1, seconds: 1) if options[:quick]

about = Bench::Machine.describe
table = Bench::Table.new(*Bench::Queues::HEADINGS)
%w[sleep hello].each { |app| Bench::Queues.new(app, options).measure.rows.each { |row| table << row } }

report = <<~MARKDOWN
  # Accept queues

  #{about.join("\n")}
  * #{options[:workers]} workers; TCP, one connection a request, by bench/load.rs
  * #{options[:rounds]} interleaved rounds of #{options[:seconds]} s after one to warm up; medians
  * `sleep` waits for 2 ms in each request, `hello` answers a constant

  #{table}

  A connection in a worker's own queue waits for this worker, though others have nothing to do: see p99.

  Rendered by `ruby bench/queues.rb`.
MARKDOWN
puts report
unless options[:quick]
  FileUtils.mkdir_p("#{__dir__}/results")
  File.write("#{__dir__}/results/queues-#{RUBY_VERSION}.md", report)
end

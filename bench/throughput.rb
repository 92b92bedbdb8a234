# frozen_string_literal: true

# Hello World, one connection a request, over TCP and over a UNIX socket: pitchfork, Puma, Unicorn and the floor (a C program
# that only accepts, reads, writes and closes) with two processes each.
#
#   ruby bench/throughput.rb [--rounds 5] [--seconds 3] [--servers pitchfork,puma,unicorn,floor] [--[no-]yjit]
#                            [--client wrk|load]
#
# All servers are up all the time and are measured in turn, round after round, so that whatever else the machine does hits all
# of them. Prints the table and writes it to bench/results/throughput-RUBY.md.

require "fileutils"
require "optparse"
require_relative "support/machine"
require_relative "support/table"
require_relative "support/transport"

options = { rounds: 5, seconds: 3, warmup: 2, servers: %w[pitchfork puma unicorn floor], yjit: Bench::Machine.yjit?,
            client: Bench::Wrk.installed? ? "wrk" : "load" }
OptionParser.new do |parser|
  parser.on("--rounds N", Integer)
  parser.on("--seconds S", Integer, "of each measurement")
  parser.on("--warmup S", Integer, "seconds before the first round")
  parser.on("--servers LIST", Array, options[:servers].join(","))
  parser.on("--client NAME", %w[wrk load], "for TCP (default: wrk, when it is installed)")
  parser.on("--[no-]yjit", "run the Ruby servers with --yjit (default: from Ruby 3.2 on, when it has it)")
end.parse!(into: options)

about = Bench::Machine.describe
table = Bench::Table.new(*Bench::Transport::HEADINGS)
%w[TCP UNIX].each { |name| Bench::Transport.new(name, options).measure.rows.each { |row| table << row } }

workers = Bench::Transport::WORKERS
connections = Bench::Transport::CONCURRENCY
report = <<~MARKDOWN
  # Throughput: Hello World, one connection a request

  #{about.join("\n")}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * #{Bench::Machine.gems("puma", "unicorn", "rack")}; #{workers} processes each, one thread each, #{connections} connections at a time
  * TCP by #{options[:client] == "wrk" ? "wrk -t1 -c#{connections}" : "bench/load.rs"}, UNIX socket by bench/load.rs
  * #{options[:rounds]} interleaved rounds of #{options[:seconds]} s after a warm-up; medians
  * CPU µs: processor time of the server's processes for one request, user and kernel

  #{table}

  Where two servers' CPU differs and their rates do not, the client was the limit, not the server.

  Rendered by `ruby bench/throughput.rb`.
MARKDOWN
puts report
FileUtils.mkdir_p("#{__dir__}/results")
File.write("#{__dir__}/results/throughput-#{RUBY_VERSION}.md", report)

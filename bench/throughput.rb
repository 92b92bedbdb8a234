# frozen_string_literal: true

# One connection a request, over TCP and over a UNIX socket: pitchfork, Puma, Unicorn and, where it can answer the same, the
# floor (a C program that only accepts, reads, writes and closes) with two processes each.
#
#   ruby bench/throughput.rb [--workload hello,headers,json,html,file|all] [--rounds 5] [--seconds 3]
#                            [--servers pitchfork,puma,unicorn,floor] [--[no-]yjit] [--client wrk|load]
#
# All servers are up all the time and are measured in turn, round after round, so that whatever else the machine does hits all
# of them. Prints a table for each workload (Hello World if none is named), and writes them to
# bench/results/throughput-RUBY.md if all are measured.

require "fileutils"
require "optparse"
require "tmpdir"
require_relative "support/drawing"
require_relative "support/machine"
require_relative "support/transport"
require_relative "support/workload"

all = Bench::Workload::ALL
options = { workload: %w[hello], rounds: 5, seconds: 3, warmup: 2, servers: %w[pitchfork puma unicorn floor],
            yjit: Bench::Machine.yjit?, client: Bench::Wrk.installed? ? "wrk" : "load" }
OptionParser.new do |parser|
  parser.on("--workload LIST", Array, "#{all.map(&:name).join(",")} or all")
  parser.on("--rounds N", Integer)
  parser.on("--seconds S", Integer, "of each measurement")
  parser.on("--warmup S", Integer, "seconds before the first round, in which every response is compared byte for byte")
  parser.on("--servers LIST", Array, options[:servers].join(","))
  parser.on("--client NAME", %w[wrk load], "for TCP (default: wrk, when it is installed)")
  parser.on("--[no-]yjit", "run the Ruby servers with --yjit (default: from Ruby 3.2 on, when it has it)")
end.parse!(into: options)
workloads = options[:workload] == %w[all] ? all : all.select { |workload| options[:workload].include?(workload.name) }
abort "--workload: #{all.map(&:name).join(", ")} or all" if workloads.empty?

about = Bench::Machine.describe
tables = Dir.mktmpdir("bench") do |directory|
  # All: one app serves several, and loads its files first.
  all.each { |workload| workload.prepare(directory) }
  workloads.map do |workload|
    transports = %w[TCP UNIX].map { |name| Bench::Transport.new(name, workload, options, "BENCH_FILES" => directory).measure }
    table = Bench::Table.new(*transports.first.headings)
    transports.flat_map(&:rows).each { |row| table << row }
    "## #{workload.title[0].upcase}#{workload.title[1..]}\n\n#{table}"
  end
end

connections = Bench::Transport::CONCURRENCY
report = <<~MARKDOWN
  # Throughput, one connection a request

  #{about.join("\n")}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * #{Bench::Machine.gems("puma", "unicorn", "rack")}; #{Bench::Transport::WORKERS} processes each, one thread each, #{connections} connections at a time
  * TCP by #{options[:client] == "wrk" ? "wrk -t1 -c#{connections}" : "bench/load.rs"}, UNIX socket by bench/load.rs, which compares every response byte for byte
  * #{options[:rounds]} interleaved rounds of #{options[:seconds]} s after a warm-up; medians
  * CPU µs: processor time of the server's processes for one request, user and kernel

  #{tables.join("\n\n")}

  Where two servers' CPU differs and their rates do not, the client was the limit, not the server.

  Rendered by `ruby bench/throughput.rb --workload all`.
MARKDOWN
puts report
if workloads == all
  FileUtils.mkdir_p("#{__dir__}/results")
  File.write("#{__dir__}/results/throughput-#{RUBY_VERSION}.md", report)
end

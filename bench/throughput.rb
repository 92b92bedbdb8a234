# frozen_string_literal: true

# Hello World, one connection a request, over TCP and over a UNIX socket: pitchfork, Puma, Unicorn and the floor (a C program that
# only accepts, reads, writes and closes) with two processes each.
#
#   ruby bench/throughput.rb [--rounds 5] [--seconds 3] [--servers pitchfork,puma,unicorn,floor] [--[no-]yjit]
#
# All servers are up all the time and are measured in turn, round after round, so that whatever else the machine does hits all
# of them. Prints the table and writes it to bench/results/throughput-RUBY.md.

require "fileutils"
require "optparse"
require_relative "support/load"
require_relative "support/machine"
require_relative "support/sample"
require_relative "support/servers"
require_relative "support/table"
require_relative "support/wrk"

options = { rounds: 5, seconds: 3, warmup: 2, servers: %w[pitchfork puma unicorn floor], yjit: Bench::Machine.yjit? }
OptionParser.new do |parser|
  parser.on("--rounds N", Integer)
  parser.on("--seconds S", Integer, "of each measurement")
  parser.on("--warmup S", Integer, "seconds before the first round")
  parser.on("--servers LIST", Array, options[:servers].join(","))
  parser.on("--[no-]yjit", "run the Ruby servers with --yjit (default: from Ruby 3.2 on, when it has it)")
end.parse!(into: options)

# One kind of socket: starts the servers, measures them in turn, and gives each its row.
class Transport
  WORKERS = 2
  CONCURRENCY = 8
  APP = "#{__dir__}/apps/hello.ru"

  def initialize(name, options)
    @name = name
    @options = options
    @rates = Hash.new { |hash, server| hash[server] = Bench::Sample.new }
    @tails = Hash.new { |hash, server| hash[server] = Bench::Sample.new }
  end

  def measure
    servers = @options[:servers].map do |name|
      Bench.const_get(name.capitalize).new(APP, workers: WORKERS, unix: @name == "UNIX", yjit: @options[:yjit])
    end
    servers.each(&:start).each { |server| run(server, @options[:warmup]) }
    @options[:rounds].times do |round|
      # Each round starts with another server: none is always measured right after the same neighbour.
      servers.rotate(round).each { |server| record(server.name, run(server, @options[:seconds])) }
    end
    self
  ensure
    servers&.each(&:stop)
  end

  def add_to(table)
    @options[:servers].each do |name|
      rate = @rates[name].median
      low, high = @rates[name].range.map { |value| thousands(value) }
      table << [@name, name, thousands(rate), "#{low} – #{high}", format("%.2f", @tails[name].median),
                of(rate, "floor", "%.0f %%", 100), of(rate, "unicorn", "%.2f ×", 1)]
    end
  end

  private

  def run(server, seconds)
    if @name == "TCP" && Bench::Wrk.installed?
      Bench::Wrk.run(server.target, seconds: seconds, concurrency: CONCURRENCY)
    else
      Bench::Load.run(server.target, seconds: seconds, concurrency: CONCURRENCY)
    end
  end

  def record(name, result)
    @rates[name] << result.rate
    @tails[name] << result.p99
    warn format("%-4s %-10s %8.0f requests/s", @name, name, result.rate)
  end

  def of(rate, other, format, factor)
    @rates.key?(other) ? format(format, rate / @rates[other].median * factor) : ""
  end

  def thousands(number)
    number.round.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ",")
  end
end

about = Bench::Machine.describe
table = Bench::Table.new("socket", "server", "requests/s", "min – max", "p99 ms", "of the floor", "of Unicorn")
%w[TCP UNIX].each { |name| Transport.new(name, options).measure.add_to(table) }

report = <<~MARKDOWN
  # Throughput: Hello World, one connection a request

  #{about.join("\n")}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * #{Bench::Machine.gems("puma", "unicorn", "rack")}; #{Transport::WORKERS} processes each, one thread each, #{Transport::CONCURRENCY} connections at a time
  * TCP by #{Bench::Wrk.installed? ? "wrk -t1 -c8" : "bench/load.rs"}, UNIX socket by bench/load.rs; #{options[:rounds]} interleaved rounds of #{options[:seconds]} s after a warm-up; medians

  #{table}

  Rendered by `ruby bench/throughput.rb`.
MARKDOWN
puts report
FileUtils.mkdir_p("#{__dir__}/results")
File.write("#{__dir__}/results/throughput-#{RUBY_VERSION}.md", report)

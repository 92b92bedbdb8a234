# frozen_string_literal: true

# A long life: a million requests of a mixture (GET, HEAD, POST, chunked bodies, files, errors of client and app, resets), to
# two workers that never refork, and what the processes have after every tenth of them.
#
#   REQUESTS=50000 ruby bench/soak.rb [--[no-]yjit]
#
# Fails when memory grows by more than a small bound after the first fifth, when a descriptor or a thread is left behind, when a
# worker had to be replaced, or when one request does not end as it has to. Prints the table and, from a million requests on,
# writes it to bench/results/soak-RUBY.md.

require "fileutils"
require "optparse"
require "tmpdir"
require_relative "support/machine"
require_relative "support/soak"

MILLION = 1_000_000

options = { requests: Integer(ENV.fetch("REQUESTS", MILLION)), yjit: Bench::Machine.yjit? }
OptionParser.new do |parser|
  parser.on("--requests N", Integer, "(default: REQUESTS, or a million)")
  parser.on("--[no-]yjit", "run the server with --yjit (default: from Ruby 3.2 on, when it has it)")
end.parse!(into: options)

soak = Bench::Soak.new(options[:requests], yjit: options[:yjit]).run
growth = soak.growth
bounds = Bench::Soak::BOUNDS.map { |what, bound| "#{what} #{[bound, Bench::Soak::UNITS[what]].compact.join(" ")}" }
weights = Bench::Mixture::CASES.map { |name, (weight, *)| weight == 1 ? name : "#{weight} × #{name}" }

report = <<~MARKDOWN
  # #{options[:requests]} requests to the same two workers

  #{Bench::Machine.describe.first}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * in turn: #{weights.join(", ")}
  * private and PSS as they are; trimmed (private), malloc and objects: what is left after a garbage collection and
    malloc_trim(3). Of processes that are not workers, what the kernel knows
  * may grow after the first fifth: #{bounds.join(", ")}

  #{soak.table}

  #{growth.empty? ? "Nothing grew." : growth.join("\n")}

  Rendered by `ruby bench/soak.rb`.
MARKDOWN
puts report
if options[:requests] >= MILLION
  FileUtils.mkdir_p("#{__dir__}/results")
  File.write("#{__dir__}/results/soak-#{RUBY_VERSION}.md", report)
end
abort growth.join("\n") if growth.any?

# frozen_string_literal: true

# What reading a request costs: instructions, as valgrind's callgrind counts them, and allocations. Both are counted, not timed,
# so that a busy machine and a slow one give the same numbers.
#
#   ruby bench/parse.rb [--[no-]yjit] [--functions 15]
#
# First the head alone, by pitchfork's core and by httparse, which it is built on; then a real worker, from accept to close.
# Prints tables and writes them to bench/results/parse-RUBY.md. Fails when a request allocates what neither its env nor its
# response needs.

require "fileutils"
require "optparse"
require "tmpdir"
require_relative "support/account"
require_relative "support/drawing"
require_relative "support/machine"
require_relative "support/objects"
require_relative "support/request_cost"
require_relative "support/workload"

options = { yjit: Bench::Machine.yjit?, functions: 12 }
OptionParser.new do |parser|
  parser.on("--[no-]yjit", "run the server with --yjit (default: from Ruby 3.2 on, when it has it)")
  parser.on("--functions N", Integer, "how many functions are listed for each request")
end.parse!(into: options)
abort "bench/parse.rb needs valgrind: apt-get install valgrind" unless Bench::Callgrind.installed?

get, browser, post = %w[hello headers json].map { |name| Bench::Workload[name] }
hello = ->(workload) { workload.asked_of("objects", "/", get.answer) }
requests = {
  "minimal GET" => hello.(get),
  "browser's GET" => hello.(browser),
  "JSON POST" => hello.(post),
  "JSON POST, echoed" => post.asked_of("objects", "/echo", post.body),
  "GET of 20 KiB" => get.asked_of("objects", "/page", "x" * 20_480)
}
whole = ->(number) { number.round.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ",") }

heads = Bench::Table.new("head", "bytes", "fields", "httparse alone", "pitchfork-core", "ratio")
costs = Dir.mktmpdir("bench") do |directory|
  requests.first(3).each do |title, request|
    path = "#{directory}/head"
    File.binwrite(path, request.head)
    # What the second run does more often than the first.
    core, httparse = %w[core httparse].map do |parser|
      few, many = %w[1000 3000].map { |times| Bench::Callgrind.instructions(Bench::Tools.parse, parser, path, times) }
      (many - few) / 2000.0
    end
    heads << [title, request.head.bytesize, request.headers.size, whole.(httparse), whole.(core), format("%.2f ×", core / httparse)]
  end
  Bench::Callgrind::Server.open(Bench::Objects::APP, workers: 1, yjit: options[:yjit]) do |server|
    requests.transform_values { |request| Bench::RequestCost.measure(server, request.prepare(directory)) }
  end
end

objects = costs.values.flat_map { |cost| cost.objects.keys }.uniq
places = Bench::Table.new("request", "instructions", *objects)
steps = Bench::Table.new("request", "accept to env", "of it the head", "response and close", "Ruby, with the app")
costs.each do |title, cost|
  places << [title, whole.(cost.total), *objects.map { |object| whole.(cost.objects.fetch(object, 0)) }]
  reading, sending = [Bench::RequestCost::WAIT, Bench::RequestCost::CLIENT].map { |function| cost.inside(function) }
  steps << [title, *[reading, cost.inside(Bench::RequestCost::PARSE), sending, cost.total - reading - sending].map(&whole)]
end

functions = costs.transform_values(&:functions)
own = Bench::Table.new("function", *functions.keys)
functions.values.flat_map { |function| function.first(options[:functions]).map(&:first) }.uniq.each do |name|
  own << ["`#{name}`", *functions.values.map { |function| whole.(function.fetch(name, 0)) }]
end

callees = costs.transform_values(&:callees)
calls = Bench::Table.new("function", *callees.keys)
callees.values.flat_map { |function| function.first(options[:functions]).map(&:first) }.uniq.each do |name|
  cells = callees.values.map do |function|
    times, instructions = function.fetch(name, [0, 0])
    times < 0.5 ? "0" : "#{whole.(instructions)} (#{whole.(times)} ×)"
  end
  calls << ["`#{name}`", *cells] unless cells.uniq == %w[0]
end

memory = Bench::Account.new("malloc, calloc and realloc", Bench::Account::MEMORY, costs.transform_values(&:allocations))
counted = Bench::Objects.measure(requests.transform_values { |request| request.head + request.body }, yjit: options[:yjit])
ruby = Bench::Account.new("Ruby objects", Bench::Account::OBJECTS, counted.transform_values(&:kinds))

report = <<~MARKDOWN
  # What reading a request costs

  #{Bench::Machine.describe.first}
  * #{options[:yjit] ? "with YJIT (RUBYOPT=--yjit)" : "without YJIT"}
  * counted by #{`valgrind --version`.strip}; what the kernel executes is not counted
  * #{requests.first(3).map { |title, request| "#{title}: #{request.headers.size} fields, #{request.head.bytesize} bytes" }.join("; ")}

  ## The head alone

  Instructions to parse and check it. httparse only splits it, so that it is the least a head can cost.

  #{heads}

  ## A whole request

  Instructions of the worker for one request, its share of garbage collection included, which is found where memory was asked for
  when it ran. The app answers with constants: Hello World, a page of 20 KiB, or what it was sent; the JSON POST that is not echoed
  is not read either.

  #{places}

  #{steps}

  What is our library's own, by function (`anon` is a method, with all that the compiler has put into it):

  #{own}

  What it calls of Ruby and of the C library, with the instructions spent there and how often it does:

  #{calls}

  ## Allocations

  How many for one request, and what needs them.

  #{memory.table}

  #{ruby.table}

  Objects as `GC.stat(:total_allocated_objects)` counts them: #{counted.map { |title, result| "#{title} #{format("%g", result.exact)}" }.join(", ")}.

  Rendered by `ruby bench/parse.rb`.
MARKDOWN
puts report
FileUtils.mkdir_p("#{__dir__}/results")
File.write("#{__dir__}/results/parse-#{RUBY_VERSION}.md", report)

needless = memory.unexplained + ruby.unexplained
needless << "objects that are not named above" if counted.any? { |_, result| result.kinds.values.sum != result.exact.round }
abort "needless allocations: #{needless.join("; ")}" if needless.any?

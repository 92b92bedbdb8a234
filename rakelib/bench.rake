# frozen_string_literal: true

# What each is for, and the arguments it has when there are no others.
BENCHMARKS = {
  throughput: ["Requests per second against Puma, Unicorn and a bare accept loop", "--workload all"],
  parse: ["Instructions and allocations per request, under callgrind", ""],
  cow: ["Private and shared memory over several generations", ""],
  recovery: ["Latency of the first requests after a worker was killed, against Puma and Unicorn", ""],
  refork: ["Throughput and p99 around a refork, and what the mold's forks cost", ""],
  gc: ["Garbage collection within requests and between them (out_of_band_gc)", ""],
  queues: ["One accept queue for all workers against one for each", ""],
  soak: ["A million requests (REQUESTS=): no growth of memory or descriptors", ""]
}.freeze

namespace :bench do
  BENCHMARKS.each do |name, (description, arguments)|
    desc "#{description} (ARGS=\"...\" for bench/#{name}.rb)"
    task name => :compile do
      # The servers to compare with are not in the Gemfile.
      outside_bundle { ruby "bench/#{name}.rb", *ENV.fetch("ARGS", arguments).shellsplit }
    end
  end
end

desc "Run every benchmark"
task bench: BENCHMARKS.keys.map { |name| "bench:#{name}" }

# frozen_string_literal: true

BENCHMARKS = {
  throughput: "Requests per second against Puma, Unicorn and a bare accept loop",
  cow: "Private and shared memory over several generations"
}.freeze

namespace :bench do
  BENCHMARKS.each do |name, description|
    desc "#{description} (ARGS=\"...\" for bench/#{name}.rb)"
    task name => :compile do
      # The servers to compare with are not in the Gemfile.
      outside_bundle { ruby "bench/#{name}.rb", *ENV.fetch("ARGS", "").shellsplit }
    end
  end
end

desc "Run every benchmark"
task bench: BENCHMARKS.keys.map { |name| "bench:#{name}" }

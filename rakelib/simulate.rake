# frozen_string_literal: true

# Lives of whole servers on a virtual kernel, see ext/core/tests/simulation.

SIMULATION = %w[test --locked --release --package pitchfork-core --test simulation].freeze

desc "Simulate lives of servers in which everything fails (events=1000000, from=SEED for the same again, seed=SEED for one life)"
task :simulate do
  given = ENV.to_h.slice("events", "from", "seed").transform_values { |number| Integer(number).to_s }
  # Lives that nobody has seen yet.
  wanted = { "events" => "1000000", "from" => Random.rand(2**40).to_s }.merge(given)
  puts "rake simulate #{wanted.map { |name, number| "#{name}=#{number}" }.join(" ")}"
  wanted.each { |name, number| ENV["SIMULATE_#{name.upcase}"] = number }
  cargo(*SIMULATION, "servers_live_and_end", "--", "--nocapture", "--exact")
  next if given.key?("seed")

  # Whether it would have found anything.
  cargo(*SIMULATION, "--features", "planted-bugs", "planted")
end

# frozen_string_literal: true

CHAOS_MINUTES = 3.0
CHAOS_MANY = 10_000

desc "Break servers under load (minutes=3 seed=random scenario=a,b faults=no limit)"
task chaos: :compile do
  require_relative "../test/support/chaos/session"
  minutes = Float(ENV.fetch("minutes", CHAOS_MINUTES))
  faults = ENV["faults"]&.then { |number| Integer(number, 10) }
  seed = Integer(ENV.fetch("seed") { (Random.new_seed % 1_000_000).to_s }, 10)
  scenarios = ENV["scenario"]&.split(",")
  report = Chaos::Session.new(scenarios, seed: seed, minutes: minutes, faults: faults).call
  puts report
  # Kept are a run of everything, no shorter than the usual one, and a long one.
  name = scenarios.nil? && faults.nil? && minutes >= CHAOS_MINUTES ? "chaos" : "chaos-#{CHAOS_MANY}"
  File.write("bench/results/#{name}-#{RUBY_VERSION}.md", report.to_s) if name == "chaos" || report.faults >= CHAOS_MANY
  abort "chaos: promises were broken, see above; again with seed=#{seed}" if report.complaints.any?
end

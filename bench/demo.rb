# frozen_string_literal: true

# What reforking is worth, shown: the memory of every process before and after, under load. Started by bin/demo.

require_relative "support/load"
require_relative "support/machine"
require_relative "support/servers"

# Serves an app, warms it, reforks it three times while it answers requests, and says what that saved.
class Demo
  ROOT = File.expand_path("..", __dir__)
  WARMUP = "#{ROOT}/examples/warmup.ru"
  WORKERS = 4
  REQUESTS = 16_000
  GENERATIONS = 3

  # @param app [String] path of a .ru file that answers GET / with 200
  def initialize(app)
    @app = File.expand_path(app)
    abort "bin/demo: #{app}: no such file" unless File.file?(@app)
    @paths = @app == WARMUP ? ["/items/{n}"] : ["/"]
    @yjit = Bench::Machine.yjit?
  end

  def run
    ruby = "Ruby #{RUBY_VERSION} #{@yjit ? "with" : "without"} YJIT"
    say "pitchfork serves #{@app.delete_prefix("#{ROOT}/")} from #{WORKERS} workers, on #{ruby}"
    Bench::Pitchfork.open(@app, workers: WORKERS, yjit: @yjit) do |server|
      @server = server
      puts server.log.wait_for(/server ready/)
      warm
      before = show("BEFORE reforking: every worker got warm by itself, in memory of its own")
      refork
      after = show("AFTER #{GENERATIONS} generations, as warm as before: what one worker learned, its successors share")
      sum_up(before, after)
    end
    puts "Everything that was started has ended."
  end

  private

  def warm
    result = Bench::Load.run(@server.target, requests: REQUESTS, paths: @paths)
    say "Warmed by #{result.requests} requests: #{result.rate.round} a second, 99 of 100 within #{result.p99.round(1)} ms"
  end

  # Clients keep coming while workers are replaced: one lost request makes {Bench::Load} raise.
  def refork
    say "Reforking #{GENERATIONS} times under load (kill -USR2 #{@server.pid})"
    load = Bench::Load.start(@server.target, concurrency: WORKERS, paths: @paths)
    GENERATIONS.times do
      generation = @server.refork
      puts @server.log.wait_for(/promoted: mold gen=#{generation}|mold gen=#{generation} .*ready|rollout gen=#{generation} done/, count: 3)
      Bench::Load.run(@server.target, requests: REQUESTS / 2, concurrency: WORKERS, paths: @paths)
    end
    result = load.finish
    @answered = result.requests + (GENERATIONS * REQUESTS / 2)
    puts "#{@answered} requests meanwhile, every one answered with 200, 99 of 100 within #{result.p99.round(1)} ms"
  end

  def show(heading)
    say heading
    @server.tree.tap { |tree| puts tree }
  end

  def sum_up(before, after)
    saved = before.total_pss - after.total_pss
    say format("Saved: %.1f of %.1f MiB (%.0f %%) in all processes together", saved, before.total_pss, saved / before.total_pss * 100)
    puts format("Private memory of a worker: %.1f MiB before, %.1f MiB after", before.private_per_worker, after.private_per_worker)
    puts "(PSS, proportional set size, divides a shared page among those who share it: its sum is what the machine pays.)"
  end

  def say(text)
    puts "", text
  end
end

$stdout.sync = true
trap(:INT) { exit 130 } # as an exception, so that the server is ended
trap(:TERM) { exit 143 }
begin
  Demo.new(ARGV.fetch(0, Demo::WARMUP)).run
rescue Bench::ProcessLog::Missing, Bench::Load::Failed => e
  abort "bin/demo: #{e.message}"
end

# frozen_string_literal: true

# An application that makes much garbage and lets what was kept for a while go, as caches do: what collecting costs is
# nearly all that its requests differ by.
#
#   LIVE=200 KEPT=1500 pitchfork bench/apps/garbage.ru
#
# A request makes and parses LIVE to 2 × LIVE records, and keeps a tenth of them until KEPT other requests have come.
# /gc answers how many collections there were in this process within requests and in all, see {Counts}.

require "json"

LIVE = Integer(ENV.fetch("LIVE", 200))
KEPT = Integer(ENV.fetch("KEPT", 1_500))
# What an application has loaded, and every major collection has to mark.
CATALOGUE = Array.new(Integer(ENV.fetch("CATALOGUE", 60_000))) { |n| { id: n, name: "item #{n}", tags: ["tag #{n % 97}"] } }.freeze

# Collections that begin while the app has a request. Those that begin in the server's own part of one are not counted.
class Counts
  attr_reader :minor, :major

  def initialize
    @minor = @major = 0
  end

  def count
    minor = GC.stat(:minor_gc_count)
    major = GC.stat(:major_gc_count)
    yield
  ensure
    @minor += GC.stat(:minor_gc_count) - minor
    @major += GC.stat(:major_gc_count) - major
  end
end

cache = {}
counts = Counts.new
before = nil

page = lambda do |seed|
  records = Array.new(LIVE + (seed % LIVE)) { |n| { "sku" => "A-#{n}", "name" => "Item #{seed} #{n}", "list" => [n, n.to_s] } }
  parsed = JSON.parse(JSON.generate(records))
  cache[seed] = parsed.first(LIVE / 10)
  cache.delete(cache.first.first) if cache.size > KEPT
  "#{parsed.size} of #{CATALOGUE.size}\n"
end

run(lambda do |env|
  before ||= GC.stat.slice(:minor_gc_count, :major_gc_count)
  body =
    if env["PATH_INFO"] == "/gc"
      all = before.to_h { |name, number| [name, GC.stat(name) - number] }
      JSON.generate(
        pid: Process.pid, minor: counts.minor, major: counts.major,
        all_minor: all[:minor_gc_count], all_major: all[:major_gc_count]
      )
    else
      counts.count { page.((env["PATH_INFO"].delete_prefix("/").to_i * 7_919) % 100_003) }
    end
  [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
end)

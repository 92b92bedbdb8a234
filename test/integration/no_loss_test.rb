# frozen_string_literal: true

require "support/life"
require_relative "../../bench/support/load"

# No request is lost to a refork: a load generator that keeps its connections in flight all the time, and every one of its
# requests answered with 200.
#
# The suite runs a bounded version. The full one, 20,000 requests over 10 reforks each on TCP and on a UNIX socket:
#
#   NO_LOSS_REQUESTS=20000 NO_LOSS_REFORKS=10 ruby -Ilib -Itest test/integration/no_loss_test.rb
#
# NO_LOSS_REQUESTS and NO_LOSS_REFORKS are the least; the load goes on until both are reached.
class NoLossTest < LifeTest
  SECONDS = 600
  REQUESTS = Integer(ENV.fetch("NO_LOSS_REQUESTS", "4000"), 10)
  REFORKS = Integer(ENV.fetch("NO_LOSS_REFORKS", "3"), 10)

  # Takes as long as a small page does: a quick answer leaves a refork hardly a request to lose.
  APP = <<~'RUBY'
    run ->(env) do
      sleep(0.002) if env["PATH_INFO"] == "/slow"
      [200, { "content-type" => "text/plain" }, ["#{Process.pid}\n" * 100]]
    end
  RUBY

  # Reforks in even steps over the requests, so that the load is never without one for long.
  def assert_nothing_lost(config)
    server = start(app: APP, config: "listen '127.0.0.1:0'\nworker_processes 4\n#{config}")
    load = nil
    reforks = requests = 0
    share = REQUESTS / REFORKS
    while reforks < REFORKS || requests < REQUESTS
      load = Bench::Load.start(yield(server), concurrency: 8, paths: ["/", "/slow"])
      reforks += refork(server, reforks + 1)
      result = load.finish
      load = nil
      requests += result.requests
      rest = share - result.requests
      requests += Bench::Load.run(yield(server), requests: rest, paths: ["/", "/slow"]).requests if rest.positive?
    end
    assert_clean_stop server
    refute_match(/WARN|ERROR|failed/, server.log)
    puts "#{requests} requests, #{reforks} reforks, none lost" if ENV.key?("NO_LOSS_REQUESTS")
  ensure
    load&.finish
  end

  def refork(server, generation)
    server.signal(:USR2)
    server.wait_for(/rollout gen=#{generation} done/)
    1
  end

  def test_over_tcp_in_place
    assert_nothing_lost("") { |server| "127.0.0.1:#{server.port}" }
  end

  def test_over_tcp_by_fork
    assert_nothing_lost("refork_max_unavailable 0") { |server| "127.0.0.1:#{server.port}" }
  end

  def test_over_a_unix_socket
    assert_nothing_lost("listen '#{path("server.sock")}'\nrefork_max_unavailable 2") { path("server.sock") }
  end

  def test_reforks_that_the_requests_themselves_trigger
    server = start(app: APP, config: "worker_processes 3\nrefork_after [200, 300]")
    load = Bench::Load.start("127.0.0.1:#{server.port}", concurrency: 8)
    REFORKS.times { |index| server.wait_for(/rollout gen=#{index + 1} done/) }
    assert_operator load.finish.requests, :>, 200 * REFORKS
    server.stop
    refute_match(/WARN|ERROR|failed/, server.log)
  end
end

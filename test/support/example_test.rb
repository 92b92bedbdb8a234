# frozen_string_literal: true

require_relative "integration_helper"
require_relative "browser"

# A test of an application in examples/, in a copy of its directory and with its own config/pitchfork.rb.
class ExampleTest < IntegrationTest
  VISITORS = 4

  private

  # @return [ServerProcess] not started
  def example(name, command: ["#{ServerProcess::ROOT}/exe/pitchfork", "-l", "127.0.0.1:0"], env: {})
    FileUtils.cp_r(File.join(ServerProcess::ROOT, "examples", name, "."), @directory)
    server(command: [RbConfig.ruby, "-I#{ServerProcess::ROOT}/lib", *command],
           env: { "RACK_ENV" => "production", "WEB_CONCURRENCY" => "3" }.merge(env))
  end

  # Lets visitors do what the block says, again and again, each in a thread, until that has made the server refork twice: the
  # examples have `refork_after [50, 100, 1000]`. Then each does it once more.
  #
  # @yieldparam browser [Browser]
  # @yieldparam visitor [Integer] from 0
  # @yieldparam round [Integer] from 1
  # @return [Array] what the block has returned
  def refork_twice(server)
    over = false
    visitors = Array.new(VISITORS) do |visitor|
      Thread.new do
        browser = Browser.new(server)
        results = []
        results << yield(browser, visitor, results.size + 1) until over
        results << yield(browser, visitor, results.size + 1)
      end
    end
    visitors.each { |thread| thread.report_on_exception = false }
    server.wait_for(/rollout gen=1 done/)
    server.wait_for(/rollout gen=2 done/)
    over = true
    visitors.flat_map(&:value)
  ensure
    over = true
    visitors&.each(&:join) unless $!
  end

  def assert_no_errors(server)
    refute_match(/ERROR|WARN|died|\.rb:\d+:in /, server.log)
  end
end

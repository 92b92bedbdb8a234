# frozen_string_literal: true

# The promises of copy-on-write and reforking as text that runs: `rake spec`.
#
# What was measured is printed below each example. What is expected are bounds with a reason, wide enough for every
# supported Ruby and for a busy machine.

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__), File.expand_path("../test/support", __dir__))

require "fileutils"
require "timeout"
require "tmpdir"
require "pitchfork"
require "server_process"

Dir.glob("#{__dir__}/support/*.rb").sort.each { |file| require file }

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.warnings = true
  config.expect_with(:rspec) { |expectations| expectations.syntax = :expect }

  config.include Reporting
  config.include Forking
  config.include Serving, :server

  config.around do |example|
    Timeout.timeout(60) { example.run }
  end
end

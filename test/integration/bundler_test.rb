# frozen_string_literal: true

require "open3"
require "support/integration_helper"

# `bundle exec pitchfork`, as a project uses the gem.
class BundlerTest < IntegrationTest
  # Bundler's settings of whoever runs the tests are not the project's.
  CLEAN = ENV.keys.grep(/\ABUNDLE|\ARUBY|\AGEM_/).to_h { |name| [name, nil] }.freeze

  def test_bundle_exec
    write("Gemfile", "source Gem.default_sources.first\ngem 'pitchfork', path: #{ServerProcess::ROOT.dump}\ngem 'rack'\n")
    write("config/pitchfork.rb", "listen '127.0.0.1:0'\nworker_processes 2\nrefork_max_unavailable 1\n")
    write("config.ru", "run ->(_) { [200, { 'content-type' => 'text/plain' }, [$LOADED_FEATURES.grep(/bundler\\/setup/).size.to_s]] }\n")
    bundle("install", "--local", "--quiet")
    server = server(command: ["bundle", "exec", "pitchfork"], env: CLEAN).start
    assert_equal "1", server.get.body, "the mold that the master executes is in the bundle, too"
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal "1", server.get.body
    assert_equal 0, server.stop.exitstatus
  end

  private

  def bundle(*arguments)
    output, status = Open3.capture2e(CLEAN, "bundle", *arguments, chdir: @directory)
    assert_predicate status, :success?, output
  end
end

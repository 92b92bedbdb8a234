# frozen_string_literal: true

require "support/app_test"

# `lint true`: Rack::Lint around the app, to find what breaks Rack's rules.
class LintTest < AppTest
  APP = <<~'RUBY'
    lambda do |env|
      note(env["rack.input"].class)
      status = env["PATH_INFO"] == "/wrong" ? "no number" : 200
      [status, { "content-type" => "text/plain" }, ["fine"]]
    end
  RUBY

  def test_it_is_asked_for
    server = serve(APP, lint: false, config: "lint true")
    assert_equal [200, "fine"], ask(server, post("body")).show(:status, :content)
    assert_equal 500, fetch(server, "/wrong").status
    server.wait_for(/GET \/wrong failed: Status must be .*\(Rack::Lint::LintError\)/)
    assert_equal "Rack::Lint::InputWrapper", notes.first.sub("Wrapper::", "")
  end

  def test_it_is_not
    server = serve(APP, lint: false)
    assert_equal [200, "fine"], ask(server, post("body")).show(:status, :content)
    assert_equal "Pitchfork::RewindableInput", notes.first
  end

  # Those that a new generation forks have it from their mold.
  def test_after_a_refork
    server = serve(APP, lint: false, config: "lint true")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal 500, fetch(server, "/wrong").status
  end
end

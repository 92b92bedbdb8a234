# frozen_string_literal: true

require "support/example_test"

# The Sinatra application in examples/: what a visitor has said is not forgotten over generations and workers.
class SinatraTest < ExampleTest
  def before_setup
    super
    skip "Sinatra is not installed" if Gem::Specification.find_all_by_name("sinatra").empty?
  end

  def test_sessions_over_two_reforks
    server = example("sinatra").start
    served = refork_twice(server) do |browser, visitor, round|
      line = "visitor #{visitor} in round #{round} <&>"
      assert_includes %w[302 303], browser.post("/", { "line" => line }).code
      page = browser.get("/")
      assert_equal "200", page.code
      assert_equal round, Integer(page.body[/Visit (\d+)/, 1])
      lines = page.body.scan(%r{<li>(.*?)</li>}).flatten
      assert_equal [round, 10].min, lines.size
      assert_equal "visitor #{visitor} in round #{round} &lt;&amp;&gt;", lines.last
      browser.json("/process.json").tap { |process| assert_equal round, process[:visits] }
    end
    assert_operator served.map { |process| process[:generation] }.uniq.size, :>=, 3
    assert_includes served.map { |process| process[:generation] }, 2
    assert_equal 4, server.descendants.size
    assert_equal 0, server.stop.exitstatus
    assert_no_errors(server)
  end

  # A mold that boots the app again has the secret that sessions were signed with.
  def test_sessions_over_a_lost_mold
    server = example("sinatra").start
    browser = Browser.new(server)
    browser.get("/")
    server.signal(:KILL, to: server.process("pitchfork mold").pid)
    server.wait_for(/mold gen=\d+ pid=\d+ ready/)
    server.wait_for(/rollout gen=\d+ done/) if server.log.match?(/promoted/)
    assert_match(/Visit 2/, browser.get("/").body)
  end
end

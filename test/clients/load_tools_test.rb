# frozen_string_literal: true

require "support/client_test"

# Load generators: many connections at a time, and none of their requests fails.
class LoadToolsTest < ClientTest
  APP = <<~'RUBY'
    lambda do |env|
      body = env["rack.input"].read
      [200, { "content-type" => "text/html" }, ["<p>#{env["PATH_INFO"]} #{body.bytesize}</p>\n" * 300]]
    end
  RUBY

  def before_setup
    super
    @server = serve(APP, config: "worker_processes 2")
    @url = "http://127.0.0.1:#{@server.port}/page"
  end

  def test_ab
    write("form", "a=#{"1" * 3000}")
    {
      "pages" => [], "asking to keep connections" => %w[-k], "HEAD" => %w[-i], "forms" => %w[-p form -T application/x-www-form-urlencoded]
    }.each do |what, arguments|
      result = execute(program("ab", "apache2-utils"), "-q", "-n", "2000", "-c", "8", *arguments, @url)
      assert_match(/^Complete requests:\s+2000$/, result.out, "#{what}: #{result.err}")
      assert_match(/^Failed requests:\s+0$/, result.out, what)
      refute_match(/^Non-2xx responses/, result.out, what)
    end
    refute_match(/WARN|ERROR/, @server.log)
  end

  def test_wrk
    write("post.lua", "wrk.method = 'POST'\nwrk.body = string.rep('x', 2048)\n")
    [[], %w[-s post.lua]].each do |arguments|
      result = execute(program("wrk"), "-t", "2", "-c", "16", "-d", "1", *arguments, @url)
      assert_operator Integer(result.out[/(\d+) requests in/, 1], 10), :>, 100, result.err
      refute_match(/Socket errors|Non-2xx/, result.out)
    end
    refute_match(/WARN|ERROR/, @server.log)
  end
end

# frozen_string_literal: true

require "support/proxy_test"
require_relative "../../bench/support/load"

# What the clients of nginx notice of a server that is replaced: nothing, or that it is away.
class NginxRestartsTest < ProxyTest
  KINDS.each do |words, kind|
    # Everybody gets 200, whatever the generation that answers.
    define_method(:"test_reforks_over_#{words.tr(" ", "_")}") do
      behind_nginx(kind, workers: 4)
      load = Bench::Load.start("127.0.0.1:#{@nginx.port}", concurrency: 8)
      2.times do |generation|
        @server.signal(:USR2)
        @server.wait_for(/rollout gen=#{generation + 1} done/)
      end
      assert_operator load.finish.requests, :>, 100
      load = nil
      refute_match(/WARN|ERROR/, @server.log)
      refute_match(/\[(error|crit|alert)\]/, @nginx.log)
    ensure
      load&.finish
    end
  end

  def test_the_server_is_down
    behind_nginx(:unix)
    @server.stop
    assert_match(%r{\AHTTP/1\.1 502 .*^Retry-After: 5\r\n.*^\r\ndown\n\z}m, ask_nginx("--include"))
    assert_equal "a file\n", ask_nginx(path: "/file.txt")
    assert_equal "404", ask_nginx("-o", "/dev/null", "-w", "%{http_code}", path: "/unavailable.html"), "a page for errors only"
    @server = start(config: File.read(File.join(@directory, "pitchfork.rb")))
    assert_equal "GET /again", ask_nginx(path: "/again")
  end

  # A new release takes the place of the old one, with the help of one that is there only meanwhile.
  def test_a_deployment
    start_nginx(:two, "/run/app/app.sock" => socket("app"), "/run/app/next.sock" => socket("next"))
    old = release("old", "app")
    load = Bench::Load.start("127.0.0.1:#{@nginx.port}", concurrency: 4)
    meanwhile = release("new", "next")
    assert_equal "old", ask_nginx
    old.stop
    assert_equal "new", ask_nginx
    release("new", "app")
    meanwhile.stop
    assert_equal "new", ask_nginx
    assert_operator load.finish.requests, :>, 100
    load = nil
  ensure
    load&.finish
  end

  def release(answer, name)
    directory = Dir.mktmpdir(nil, @directory)
    app = "run ->(_) { [200, { 'content-type' => 'text/plain' }, ['#{answer}']] }"
    server = ServerProcess.new(directory, app: app, config: "listen '#{socket(name)}'\nworker_processes 2")
    @servers << server
    server.start
  end
end

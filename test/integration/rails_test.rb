# frozen_string_literal: true

require "support/example_test"

# The Rails application in examples/: sessions, and a database that no two processes reach over one connection.
class RailsTest < ExampleTest
  SECONDS = 180

  def before_setup
    super
    skip "no Rails 7.2 or newer is installed" if Gem::Specification.find_all_by_name("rails", ">= 7.2").empty?

    @database = File.join(@directory, "notebook.sqlite3")
    @env = { "DATABASE_PATH" => @database, "RAILS_ENV" => "production" }
  end

  def test_sessions_and_writes_over_two_reforks
    server = example("rails", env: @env).start
    notes = refork_twice(server) do |browser, visitor, round|
      page = browser.get("/")
      assert_equal "200", page.code
      assert_equal round, Integer(page.body[/Visit (\d+)/, 1])
      assert_own_connection(browser.json("/process.json"))
      created = browser.post("/notes.json", { "note[body]" => "visitor #{visitor} in round #{round}" })
      assert_equal "201", created.code
      JSON.parse(created.body, symbolize_names: true)
    end
    assert_equal [0, 1, 2], notes.map { |note| note[:generation] }.uniq.sort
    assert_all_written(server, notes)
    assert_connections(server)
    assert_equal 0, server.stop.exitstatus
    assert_no_errors(server)
  end

  # With its token, as a form of the page sends it.
  def test_a_form
    server = example("rails", env: @env).start
    browser = Browser.new(server)
    token = browser.get("/").body[/name="authenticity_token" value="([^"]+)"/, 1]
    assert_equal "302", browser.post("/notes", { "authenticity_token" => token, "note[body]" => "caf\u00e9 <b>" }).code
    assert_includes browser.get("/").body.force_encoding("UTF-8"), "caf\u00e9 &lt;b&gt;"
    assert_equal "422", browser.post("/notes", { "note[body]" => "forged" }).code
    assert_equal "404", browser.get("/notes/4711.json").code
  end

  def test_rails_server
    pid_file = File.join(@directory, "server.pid")
    command = ["bin/rails", "server", "-u", "pitchfork", "-b", "127.0.0.1", "-p", "0", "-P", pid_file]
    server = example("rails", command: command, env: @env).start
    assert_equal 3, server.titles.grep(/pitchfork worker/).size
    browser = Browser.new(server)
    assert_match(/Visit 1/, browser.get("/").body)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal [1, 1], browser.json("/process.json").values_at(:generation, :visits)
    assert_equal server.pid, Integer(File.read(pid_file))
    assert_connections(server)
    assert_equal 0, server.stop(:INT).exitstatus
    refute_path_exists pid_file
  end

  private

  def assert_own_connection(process)
    assert_equal process[:pid], process[:connection][:opened_by]
  end

  def assert_all_written(server, notes)
    browser = Browser.new(server)
    assert_equal notes.size, browser.json("/process.json")[:notes]
    assert_equal notes.size, notes.map { |note| note[:id] }.uniq.size
    notes.each_slice(10) { |note, *| assert_equal note, browser.json("/notes/#{note[:id]}.json") }
  end

  # A worker inherits from its mold; so where the mold has no file of the database open, each worker has opened its own.
  def assert_connections(server)
    mold, *workers = server.tree.drop(1)
    assert_match(/mold/, mold.title)
    assert_equal 0, open_databases(mold.pid)
    workers.each { |worker| assert_operator open_databases(worker.pid), :>=, 1, worker.title }
  end

  def open_databases(pid)
    Dir.glob("/proc/#{pid}/fd/*").count { |fd| File.symlink?(fd) && File.readlink(fd).start_with?(@database) }
  end
end

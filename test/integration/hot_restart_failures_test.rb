# frozen_string_literal: true

require "support/hot_restart_case"

# A hot restart that fails changes nothing: the old code serves on, and the log says why.
class HotRestartFailuresTest < HotRestartCase
  SETTINGS = "worker_processes 1\n"

  # @return [MatchData] of the line that says why
  def assert_refused(server, pattern)
    pids = server.tree.map(&:pid)
    assert_nothing_changes(server) { server.wait_for(pattern) }
    assert_equal pids, server.tree.map(&:pid), "the processes are the same"
  end

  def assert_nothing_changes(server)
    before = descriptors(server)
    server.signal(:HUP)
    yield
    wait_until_idle(server)
    assert_equal before, descriptors(server)
    assert_equal "one", server.get.body
    assert_equal ["pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)"], server.titles.drop(1)
  end

  # It is a matter of the one attempt: the next, with good code, succeeds.
  def assert_next_succeeds(server)
    deploy(app: answering("two"), config: SETTINGS)
    hot_restart(server)
    assert_equal "two", server.get.body
    assert_equal 0, server.stop.exitstatus
  end

  # The lines of the configuration file, which has `listen` before them, and what is said about it.
  WRONG = {
    "syntax" => ["worker_processes(", /ERROR .*hot restart refused: pitchfork\.rb: SyntaxError: pitchfork\.rb:\d/],
    "setting" => ["worker_proceses 2", /ERROR .*hot restart refused: pitchfork\.rb:2: unknown setting worker_proceses; did you mean/],
    "value" => ["\nworker_processes 0", /ERROR .*hot restart refused: pitchfork\.rb:3: worker_processes: expected an Integer/],
    "exception" => ["raise 'no luck'", /ERROR .*hot restart refused: pitchfork\.rb:2: RuntimeError: no luck/],
    "missing file" => ["require 'no/such/file'", /ERROR .*hot restart refused: pitchfork\.rb:2: LoadError: /],
    "exit" => ["exit 7", /ERROR .*hot restart refused: pitchfork\.rb:2: SystemExit: exit/]
  }.freeze

  WRONG.each do |name, (line, message)|
    define_method("test_a_configuration_file_with_a_wrong_#{name.tr(" ", "_")}") do
      server = start(app: answering("one"), config: SETTINGS)
      deploy(app: answering("two"), config: line)
      assert_refused server, message
      assert_next_succeeds server
    end
  end

  def test_no_config_ru
    server = start(app: answering("one"), config: SETTINGS)
    File.unlink(path("config.ru"))
    assert_refused server, /ERROR .*hot restart refused: config\.ru: no such file/
    assert_next_succeeds server
  end

  # What the app does when it boots, and what the log says of it.
  BROKEN = {
    "raises" => ["raise 'no luck'", /hot restart to version=2 failed: .*exited with status 1; version=1 serves on/],
    "exits" => ["exit 3", /hot restart to version=2 failed: .*exited with status 3; version=1 serves on/],
    "crashes" => ["Process.kill(:KILL, Process.pid); sleep", /hot restart to version=2 failed: .*died of SIGKILL; version=1 serves on/]
  }.freeze

  BROKEN.each do |name, (line, message)|
    define_method("test_an_app_that_#{name}") do
      server = start(app: answering("one"), config: SETTINGS)
      deploy(app: "#{line}\n", config: "worker_processes 3\nENV['FAILED'] = '1'")
      assert_nothing_changes(server) { server.wait_for(message) }
      assert_next_succeeds server
    end
  end

  def test_a_first_worker_that_dies
    server = start(app: answering("one"), config: SETTINGS)
    deploy(app: answering("two"), config: "worker_processes 3\nafter_worker_fork { raise 'no luck' }")
    assert_nothing_changes(server) do
      server.wait_for(/hot restart to version=2 failed: .*; version=1 serves on/)
      server.wait_for(/mold gen=1 pid=\d+ (retired|stopped)/)
    end
    assert_match(/no luck/, server.log)
    assert_next_succeeds server
  end

  # The old mold is still there to replace a worker.
  def test_the_old_version_is_whole_after_a_failure
    server = start(app: answering("one"), config: SETTINGS)
    deploy(app: "raise 'no luck'\n")
    server.signal(:HUP)
    server.wait_for(/version=1 serves on/)
    server.signal(:KILL, to: server.process("pitchfork worker[0]").pid)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal "one", server.get.body
  end

  # Files that are still being written when the signal comes.
  def test_a_configuration_that_changes_while_it_is_read
    server = start(app: answering("one"), config: SETTINGS)
    deploy(config: <<~RUBY)
      listen "127.0.0.1:0" if File.exist?("read once")
      File.write("read once", "")
      listen "#{path("other.sock")}"
    RUBY
    server.signal(:HUP)
    server.wait_for(/the configuration was changed after the master had read it/)
    server.wait_for(/hot restart to version=2 failed/)
    wait_until_idle(server)
    refute_path_exists path("other.sock")
    assert_equal "one", server.get.body
    assert_next_succeeds server
  end

  # Its app can't be loaded again.
  def test_an_app_that_is_an_object_in_memory
    write("config.ru", answering("one"))
    command = [RbConfig.ruby, "-I#{ServerProcess::ROOT}/lib", "-S", "rackup", "-s", "pitchfork", "-o", "127.0.0.1", "-p", "0"]
    server = start(command: command, env: { "RACK_ENV" => "production" })
    server.signal(:HUP)
    server.wait_for(/ERROR .*hot restart refused: the app is only an object in memory; start the server with the `pitchfork` command/)
    assert_equal "one", server.get.body
  end
end

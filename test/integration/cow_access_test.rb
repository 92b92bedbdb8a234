# frozen_string_literal: true

require "etc"
require "pitchfork/process_table"
require "support/cow_case"

# Which server is meant, and who may look at it.
class CowAccessTest < CowTest
  # Nobody's, so that no other test has a server that runs as this user.
  UID = 54_321
  AS_STRANGER = ["setpriv", "--reuid=#{UID}", "--regid=#{UID}", "--clear-groups"].freeze

  def before_setup
    super
    File.chmod(0o755, @directory)
  end

  def start_as_stranger(directory = @directory)
    [@directory, directory].each { |path| File.chmod(0o777, path) }
    command = [*AS_STRANGER, RbConfig.ruby, "-I#{ROOT}/lib", "#{ROOT}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    server = ServerProcess.new(directory, app: WHO, config: "pid 'server.pid'", command: command, env: { "HOME" => directory })
    @servers << server
    server.start
  end

  def skip_unless_root
    skip "only root can become another user" unless Process.euid.zero?
  end

  def assert_refused(message, *arguments, **options)
    assert_equal ["", "pitchfork cow: #{message}\n", 1], cow(*arguments, **options)
  end

  def test_the_only_server_of_a_user
    skip_unless_root
    assert_refused "no pitchfork is running as this user; root sees those of others", before: AS_STRANGER
    server = start_as_stranger
    out, error, status = cow("--json", before: AS_STRANGER)
    assert_equal ["", 0], [error, status]
    assert_equal server.pid, JSON.parse(out)["master"]
  end

  def test_several_servers
    skip_unless_root
    servers = %w[one two].map do |name|
      Dir.mkdir(File.join(@directory, name))
      start_as_stranger(File.join(@directory, name))
    end
    listed = servers.sort_by(&:pid).map { |server| "#{server.pid} in #{server.directory}" }.join(", ")
    assert_refused "several servers are running (#{listed}): give the pid of one", before: AS_STRANGER
    assert_equal 0, cow("--pid-file", "one/server.pid", before: AS_STRANGER).last
  end

  def test_another_users_server
    skip_unless_root
    server = start(app: WHO)
    root = Etc.getpwuid(0).name
    assert_refused "process #{server.pid}: the kernel does not let user #{UID} read the memory of this server, which belongs to #{root}; " \
                   "run this as #{root}", server.pid, before: AS_STRANGER
  end

  # The master is root's, and so the kernel shows only a part of the server to its user.
  def test_a_server_that_has_changed_its_user
    skip_unless_root
    server = start(app: WHO, config: "user 'nobody'")
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    assert_refused "process #{server.pid}: the kernel does not let nobody read the memory of this server, which belongs to " \
                   "#{Etc.getpwuid(0).name} and nobody; run this as root", server.pid, before: nobody
    assert_equal 0, cow(server.pid).last
  end

  def test_pids_that_are_no_masters
    server = start(app: WHO, config: "pid 'server.pid'")
    worker = server.process("pitchfork worker[0]")
    assert_refused "process #{worker.pid} is #{worker.title}; its master is #{server.pid}", worker.pid
    _, error, status = cow(Process.pid)
    assert_equal 1, status
    assert error.start_with?("pitchfork cow: process #{Process.pid} is no pitchfork master, but "), error
    assert_equal 0, cow("--pid-file", "server.pid").last
    zombie = Process.spawn("true")
    Thread.pass until Pitchfork::ProcessTable.new.zombie?(zombie)
    _, error, status = cow(zombie)
    assert_equal 1, status
    assert error.start_with?("pitchfork cow: process #{zombie} has ended, and waits for its parent to notice"), error
    Process.wait(zombie)
    server.stop
    _, error, status = cow(server.pid)
    assert_equal 1, status
    assert error.start_with?("pitchfork cow: there is no process #{server.pid}"), error
  end
end

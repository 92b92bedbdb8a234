# frozen_string_literal: true

require "etc"
require "support/life"

# The app runs as another user than the master.
class PrivilegesTest < LifeTest
  NOBODY = Etc.getpwnam("nobody")
  DAEMON = Etc.getgrnam("daemon")

  # Who reads the file, who loads the app, and who serves.
  APP = <<~'RUBY'
    def me
      [Process.uid, Process.euid, Process.gid, Process.egid, Process.groups, ENV["HOME"], ENV["USER"]]
    end
    LOADED = me.inspect
    run ->(env) { [200, {}, [env["PATH_INFO"] == "/loaded" ? LOADED : me.inspect]] }
  RUBY

  def before_setup
    super
    skip "only root can become another user" unless Process.euid.zero?
    File.chmod(0o755, @directory)
    File.chmod(0o666, path("held"), path("gate"))
  end

  def start_as_nobody(config = "user 'nobody'", app: APP)
    start(app: app, config: config, env: { "HOME" => "/somewhere", "USER" => "somebody" })
  end

  # @return [Array<Integer>] real, effective, saved and file system user of a process (proc(5))
  def uids(pid)
    File.read("/proc/#{pid}/status")[/^Uid:(.*)$/, 1].split.map(&:to_i)
  end

  def assert_only_the_master_is_root(server)
    master, *children = server.tree.map { |node| uids(node.pid).uniq }
    assert_equal [0], master
    assert_equal [[NOBODY.uid]], children.uniq
  end

  def test_the_app_is_loaded_and_served_by_the_user
    server = start_as_nobody("user 'nobody'\nFile.write('seen', Process.euid.to_s)")
    me = [NOBODY.uid, NOBODY.uid, NOBODY.gid, NOBODY.gid, [NOBODY.gid], "/somewhere", "somebody"].inspect
    assert_equal [me, me], [server.get("/loaded").body, server.get.body]
    assert_equal "0", File.read(path("seen")), "the configuration file is the administrator's"
    assert_only_the_master_is_root server
    assert_clean_stop server
  end

  def test_a_group
    server = start_as_nobody("user 'nobody'\ngroup 'daemon'")
    ids = [NOBODY.uid, NOBODY.uid, DAEMON.gid, DAEMON.gid, [DAEMON.gid], "/somewhere", "somebody"].inspect
    assert_equal ids, server.get.body
    server.stop
    assert_equal ids, start_as_nobody("user 'nobody', 'daemon'").get.body
  end

  # All that is forked or booted later; and the master can still bind where only root may.
  def test_later_generations
    server = start_as_nobody("user 'nobody'\nworker_processes 2")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.signal(:KILL, to: server.process("pitchfork mold").pid)
    server.wait_for(/rollout gen=2 done/)
    write("pitchfork.rb", "user 'nobody'\nlisten '127.0.0.1:0'\nlisten '/run/pitchfork-test-#{Process.pid}.sock'\ncanary_requests 0\n")
    server.signal(:HUP)
    server.wait_for(%r{listening on unix:/run/pitchfork-test})
    server.wait_for(/rollout gen=3 done/)
    assert_only_the_master_is_root server
    assert_clean_stop server
  end

  # A process that has changed its user is hidden from it: its files in /proc are root's.
  def test_processes_are_visible_to_their_user
    server = start_as_nobody("user 'nobody'")
    owners = server.tree.drop(1).map { |node| File.stat("/proc/#{node.pid}/smaps_rollup").uid }
    assert_equal [NOBODY.uid] * 2, owners
  end

  # The kernel forgets with the user that the mold is to die with its master.
  def test_a_mold_that_boots_dies_with_its_master
    server = server(app: "wait_here\n#{APP}", config: "user 'nobody'").spawn
    mold = Integer(File.read(path("held")))
    watch server
    server.kill_master
    server.wait_gone(mold)
  end

  def test_an_unknown_user_in_a_new_configuration
    server = start_as_nobody
    write("pitchfork.rb", "user 'nobodyy'\nlisten '#{path("app.sock")}'\n")
    server.signal(:HUP)
    server.wait_for(/hot restart refused: user "nobodyy": there is no such user on this machine/)
    refute_path_exists path("app.sock")
    assert_equal "200", server.get.code
  end

  def test_an_unknown_user_is_told_before_anything_is_bound
    server = server(app: APP, config: "user 'nobodyy'\nlisten '#{path("app.sock")}'\npid 'server.pid'").spawn
    assert_equal 1, server.wait.exitstatus
    assert_equal "pitchfork: user \"nobodyy\": there is no such user on this machine\n", server.log
    refute_path_exists path("app.sock")
    refute_path_exists path("server.pid")
  end
end

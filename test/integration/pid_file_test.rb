# frozen_string_literal: true

require "support/life"

# The file with the master's pid, over a server's life.
class PidFileTest < LifeTest
  def pid
    File.read(path("server.pid"))
  end

  def test_from_before_the_boot_to_the_end
    server = start(app: "File.write('seen', File.read('server.pid'))\n#{HOLD}", config: "pid 'server.pid'")
    assert_equal "#{server.pid}\n", File.read(path("seen")), "it was there before the app"
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.signal(:HUP)
    server.wait_for(/rollout gen=2 done/)
    assert_equal "#{server.pid}\n", pid
    assert_clean_stop server
    refute_path_exists path("server.pid")
  end

  def test_listeners_are_bound_before
    TCPServer.open("127.0.0.1", 0) do |taken|
      server = server(app: HOLD, config: "pid 'server.pid'\nlisten '127.0.0.1:#{taken.addr[1]}', tries: 0").spawn
      assert_equal 1, server.wait.exitstatus
      refute_path_exists path("server.pid")
    end
  end

  def test_a_running_server_keeps_its_file
    first = start(app: HOLD, config: "pid 'server.pid'")
    second = server(app: "File.write('loaded', '')", config: "pid 'server.pid'\nlisten '#{path("second.sock")}'").spawn
    assert_equal 1, second.wait.exitstatus
    assert_equal "pitchfork: pid #{path("server.pid")}: process #{first.pid} is a running pitchfork; stop it, or choose another path\n",
                 second.log
    refute_path_exists path("loaded")
    refute_path_exists path("second.sock"), "its listeners are closed again"
    assert_equal "#{first.pid}\n", pid
    assert_clean_stop first
  end

  def test_the_file_of_a_killed_server_is_replaced
    first = start(app: HOLD, config: "pid 'server.pid'")
    watch first
    first.kill_master
    assert_equal "#{first.pid}\n", pid
    second = start(app: HOLD, config: "pid 'server.pid'")
    assert_equal "#{second.pid}\n", pid
  end

  def test_a_file_that_somebody_else_has_written_to_is_left
    server = start(app: HOLD, config: "pid 'server.pid'")
    write("server.pid", "1\n")
    assert_clean_stop server
    assert_equal "1\n", pid
  end

  def test_a_relative_path_starts_where_the_server_was_started
    Dir.mkdir(path("elsewhere"))
    server = start(app: HOLD, config: "Dir.chdir('elsewhere')\npid 'server.pid'")
    assert_equal "#{server.pid}\n", pid
    server.stop
    refute_path_exists path("server.pid")
  end

  def test_an_app_that_does_not_boot
    server = server(app: "raise 'no'", config: "pid 'server.pid'").spawn
    assert_equal 1, server.wait.exitstatus
    refute_path_exists path("server.pid")
  end
end

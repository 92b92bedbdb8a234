# frozen_string_literal: true

require "support/integration_helper"

# `rackup -s pitchfork`: the app is an object in the process of another program, and that program's habits go on.
class RackHandlersTest < IntegrationTest
  def rackup(*arguments, **options)
    # The program is found as a gem's or as the distribution's.
    command = [RbConfig.ruby, "-I#{ServerProcess::ROOT}/lib", "-S", "rackup", "-s", "pitchfork", "-o", "127.0.0.1", "-p", "0", *arguments]
    server(command: command, **options)
  end

  def test_rackup
    write("config.ru", WHO)
    server = rackup("-O", "Workers=2", "-E", "production").start
    assert_equal ["pitchfork master", "pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles
    pid, generation = server.get.body.split.map(&:to_i)
    assert_includes server.descendants.map(&:pid), pid
    assert_equal 0, generation
    assert_equal 0, server.stop.exitstatus
  end

  # rackup removes its pid file when it ends: in the master, and in none of the processes forked from it.
  def test_the_pid_file
    write("config.ru", WHO)
    file = File.join(@directory, "rackup.pid")
    server = rackup("-P", file, "-O", "Workers=2", "-E", "production").start
    assert_equal server.pid, Integer(File.read(file))
    2.times do |i|
      worker = server.process("pitchfork worker[1]").pid
      server.signal(:KILL, to: worker)
      server.wait_for(/worker=1 gen=#{i} pid=(?!#{worker}\b)\d+ ready/)
      server.signal(:USR2)
      server.wait_for(/rollout gen=#{i + 1} done/)
      assert_equal (i + 1).to_s, server.get.body.split.last
      assert_path_exists file
    end
    children = server.descendants.map(&:pid)
    assert_equal 0, server.stop(:INT).exitstatus
    server.wait_gone(children)
    refute_path_exists file
    refute_match(/ERROR|\.rb:\d+:in /, server.log)
  end

  def test_a_configuration_file
    write("config.ru", WHO)
    write("config/pitchfork.rb",
          "worker_processes 3\nafter_worker_fork { |server, worker| server.logger.info(\"forked \#{worker.nr}\") }\n")
    server = rackup.start
    assert_equal 3, server.titles.grep(/worker/).size
    assert_equal 3, server.log.scan(/forked \d/).size
  end

  def test_a_port_in_use
    write("config.ru", WHO)
    write("config/pitchfork.rb", "listen '127.0.0.1:0'\n")
    TCPServer.open("127.0.0.1", 0) do |taken|
      write("config/pitchfork.rb", "listen '127.0.0.1:#{taken.addr[1]}', tries: 0\n")
      failed = rackup.spawn
      assert_equal 1, failed.wait.exitstatus
      assert_match(/^pitchfork: cannot listen on 127\.0\.0\.1:#{taken.addr[1]}: address already in use/, failed.log)
    end
  end
end

# frozen_string_literal: true

require "support/hot_restart_case"

# HUP: new code and a new configuration, behind the same sockets.
class HotRestartTest < HotRestartCase
  # Answers with what the worker knows of the master's surroundings.
  ENVIRONMENT = <<~'RUBY'
    run ->(_) { [200, {}, [ENV.values_at("TURN", "GIVEN").push(Dir.pwd).join(" ")]] }
  RUBY

  def test_new_code_is_served
    write("lib/word.rb", "WORD = 'one'\n")
    server = start(app: "require_relative 'lib/word'\n#{answering("\#{WORD}")}", config: "worker_processes 2")
    assert_equal "one", server.get.body
    write("lib/word.rb", "WORD = 'two'\n")
    assert_equal 2, hot_restart(server)
    assert_equal "two", server.get.body
    deploy(app: answering("three"))
    assert_equal 3, hot_restart(server)
    assert_equal "three", server.get.body
    assert_equal ["pitchfork mold (gen:2)", "pitchfork worker[0] (gen:2)", "pitchfork worker[1] (gen:2)"], server.titles.drop(1)
    assert_clean_stop server
    assert_match(/hot restart: version=2 gen=1$/, server.log)
    assert_match(/mold gen=1 pid=\d+ booting version=2$/, server.log)
  end

  def test_a_library_that_the_command_line_requires
    write("lib/word.rb", "WORD = 'one'\n")
    server = start(app: answering("\#{WORD}"), arguments: ["-I", "lib", "-r", "word"], ruby: ["-W1"])
    write("lib/word.rb", "WORD = 'two'\n")
    hot_restart(server)
    assert_equal "two", server.get.body
  end

  def test_a_refork_of_new_code
    server = start(app: answering("one"), config: "worker_processes 2")
    deploy(app: answering("two"))
    hot_restart(server)
    server.signal(:USR2)
    server.wait_for(/rollout gen=2 done/)
    assert_equal "two", server.get.body
    assert_clean_stop server
  end

  def test_the_number_of_workers
    server = start(app: answering("one"), config: "worker_processes 2")
    deploy(config: "worker_processes 3")
    hot_restart(server)
    assert_equal 3, server.titles.grep(/worker/).size
    deploy(config: "worker_processes 1")
    hot_restart(server)
    assert_equal ["pitchfork worker[0] (gen:2)"], server.titles.grep(/worker/)
    assert_clean_stop server
  end

  def test_timeouts
    server = start(app: HOLD, config: "timeout 30")
    deploy(config: "timeout 0.2, cleanup: 0.2")
    hot_restart(server)
    response = hold(server)
    assert_nil response.value, "the request was not cut off"
  end

  def test_callbacks
    config = <<~RUBY
      #{RECORD}
      worker_processes 2
      after_worker_ready { |_, worker| record("ready", of: "CODE", nr: worker.nr) }
      after_worker_exit { |server, worker| record("exit", of: "CODE", workers: server.worker_processes) }
    RUBY
    server = start(app: answering("one"), config: config.gsub("CODE", "one"))
    deploy(app: "wait_here\n#{answering("two")}", config: config.gsub("CODE", "two").sub("worker_processes 2", "worker_processes 3"))
    server.signal(:HUP)
    File.read(path("held"))
    server.signal(:KILL, to: server.process("pitchfork worker[0]").pid)
    server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
    assert_equal %w[one one one], recorded(:ready).map { |line| line[:of] }, "the old code is still in force"
    assert_equal([["one", 2]], recorded(:exit).map { |line| line.values_at(:of, :workers) })
    release
    wait_for_restart(server)
    assert_equal(%w[two two two], recorded(:ready).last(3).map { |line| line[:of] })
    assert_equal([["two", 3]], recorded(:exit).drop(1).map { |line| line.values_at(:of, :workers) }.uniq)
    assert_clean_stop server
  end

  # The old configuration's file is not kept open.
  def test_the_logger
    server = server(app: answering("one"), config: <<~RUBY)
      logger Logger.new("server.log")
      after_monitor_ready { File.write("held", "") }
    RUBY
    server.spawn
    File.read(path("held"))
    assert_equal 1, descriptors(server).grep(/server\.log/).size
    deploy(config: "")
    server.signal(:HUP)
    server.wait_for(/rollout gen=1 done/)
    wait_until_idle(server)
    assert_empty descriptors(server).grep(/server\.log/)
    assert_match(/mold gen=1 pid=\d+ booting version=2$/, File.read(path("server.log")), "the old logger's last lines")
  end

  # Each evaluation of the configuration file finds what the user had started the server with.
  def test_the_environment
    Dir.mkdir(path("elsewhere"))
    config = <<~RUBY
      #{RECORD}
      ENV["TURN"] = ENV["TURN"].to_i.succ.to_s
      Dir.chdir("elsewhere") unless Dir.pwd.end_with?("elsewhere")
      after_worker_exit { |*| record("exit", turn: ENV["TURN"], given: ENV["GIVEN"], directory: Dir.pwd, path: $LOAD_PATH.size) }
    RUBY
    server = start(app: ENVIRONMENT, config: config, arguments: ["-I", "lib"], env: { "GIVEN" => "by the user" })
    expected = "2 by the user #{path("elsewhere")}"
    assert_equal expected, server.get.body, "once in the master, once in the mold"
    2.times { hot_restart(server) }
    assert_equal expected, server.get.body
    server.signal(:KILL, to: server.process("pitchfork worker[0]").pid)
    server.wait_for(/worker=0 gen=2 pid=\d+ ready/)
    assert_equal 1, recorded(:exit).map { |line| line.slice(:turn, :given, :directory, :path) }.uniq.size
    assert_equal ["1", "by the user", path("elsewhere")], recorded(:exit).last.values_at(:turn, :given, :directory)
  end

  def test_during_the_first_boot
    server = server(app: "wait_here\n#{answering("one")}").spawn
    File.read(path("held"))
    server.signal(:HUP)
    deploy(app: answering("two"))
    release
    wait_for_restart(server)
    server.wait_for(/server ready: 1 workers gen=1/)
    assert_equal "two", server.get.body
    assert_clean_stop server
  end

  def test_winch_keeps_the_server_and_hup_brings_all_back
    server = start(app: answering("one"), config: "worker_processes 2")
    mold = server.process("pitchfork mold")
    server.signal(:WINCH)
    2.times { server.wait_for(/worker=\d gen=0 pid=\d+ retired/) }
    assert_equal ["pitchfork master", mold.title], server.titles
    waiting = Thread.new { server.get.body } # in the kernel's queue
    server.signal(:TTIN)
    assert_equal "one", waiting.value
    server.signal(:WINCH)
    server.wait_for(/worker=0 gen=0 pid=\d+ retired/)
    deploy(app: answering("two"))
    waiting = Thread.new { server.get.body }
    hot_restart(server)
    assert_equal "two", waiting.value
    assert_equal 2, server.titles.grep(/worker/).size
    assert_clean_stop server
  end
end

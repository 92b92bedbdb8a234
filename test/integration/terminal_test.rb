# frozen_string_literal: true

require "support/life"
require "support/terminal_server"

# A server that was started in a terminal.
class TerminalTest < LifeTest
  def server(app:, config:)
    TerminalServer.new(@directory, app: app, config: config).tap { |server| @servers << server }
  end

  def test_a_resized_window_retires_nobody
    server = start(app: WHO, config: "worker_processes 2")
    workers = server.tree.map(&:pid)
    server.resize(50, 100)
    # Signals that come at the same time may be taken in any order. When the second line is there, the WINCH has been, too.
    server.signal(:TTIN)
    server.wait_for(/worker_processes is now 3/)
    server.signal(:TTOU)
    server.wait_for(/worker_processes is now 2|there is no worker to remove/)
    refute_match(/all workers retire/, server.log)
    assert_equal "200", server.get.code
    assert_empty workers - server.tree.map(&:pid)
    assert_clean_stop server, :INT
  end

  # In the foreground, as a job that was started with `&`, and without a terminal.
  STATES = <<~'RUBY'
    require "pitchfork/terminal"
    p Pitchfork::Terminal.foreground?
    tell = [RbConfig.ruby, "-rpitchfork/terminal", "-e", "p Pitchfork::Terminal.foreground?"]
    Process.wait(Process.spawn(*tell, pgroup: true))
    Process.wait(fork { Process.setsid && exec(*tell) })
  RUBY

  def test_who_is_in_the_foreground
    command = [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "-e", STATES]
    output, _input, pid = PTY.spawn({ "RUBYLIB" => "#{ServerProcess::ROOT}/lib" }, *command)
    said = Array.new(3) { output.gets.chomp }
    Process.wait(pid)
    assert_equal %w[true false false], said
  ensure
    output&.close
  end
end

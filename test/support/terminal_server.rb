# frozen_string_literal: true

require "io/console"
require "pty"
require_relative "server_process"

# A server that a user has started in a terminal, in the foreground.
class TerminalServer < ServerProcess
  def spawn
    @terminal, _keyboard, @pid = PTY.spawn(@env, *@command, chdir: directory)
    @collector = Thread.new { collect(@terminal) }
    self
  end

  # The user drags the window: the kernel has sent SIGWINCH when this returns.
  def resize(rows, columns)
    @terminal.winsize = [rows, columns]
  end
end

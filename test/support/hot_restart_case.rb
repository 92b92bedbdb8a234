# frozen_string_literal: true

require "support/life"

# What the tests of hot restarts share: new files for a running server, and waiting for what becomes of them.
class HotRestartCase < LifeTest
  # An app that answers with a word.
  def self.answering(word)
    %(run ->(_) { [200, { "content-type" => "text/plain" }, ["#{word}"]] }\n)
  end

  # Writes at once and whole, as deployments do.
  #
  # @param app [String, nil] config.ru; nil: as it is
  # @param config [String, nil] the configuration file, with the lines that {ServerProcess#initialize} adds
  def deploy(app: nil, config: nil)
    replace("config.ru", app.include?("wait_here") ? WAIT + app : app) if app
    return unless config

    config = "listen '127.0.0.1:0'\n#{config}" unless config.match?(/^\s*listen\b/)
    replace("pitchfork.rb", "#{config}\ncanary_requests 0\n")
  end

  def replace(name, text)
    write("#{name}.new", text)
    File.rename(path("#{name}.new"), path(name))
  end

  # Restarts, and waits until nothing is left of the old code.
  #
  # @return [Integer] the version that serves
  def hot_restart(server)
    server.signal(:HUP)
    wait_for_restart(server)
  end

  def wait_for_restart(server)
    version = server.wait_for(/hot restart: version=(\d+) serves/)[1]
    server.wait_for(/rollout gen=\d+ done/)
    Integer(version, 10)
  end

  # The log tells what happens before all of it is done. A signal that comes after is looked at when it is.
  #
  # @param server [ServerProcess] with one worker
  def wait_until_idle(server)
    server.signal(:TTOU)
    server.wait_for(/the last worker stays/)
  end

  def answering(word)
    self.class.answering(word)
  end

  # @return [Array<String>] what the master's descriptors are, without the names of the sockets that are opened for a moment
  def descriptors(server)
    Dir.children("/proc/#{server.pid}/fd").filter_map do |number|
      File.readlink("/proc/#{server.pid}/fd/#{number}").sub(/\d+/, "N")
    rescue Errno::ENOENT
      nil
    end.sort
  end

  # One request to a UNIX socket.
  #
  # @return [String] the body
  def ask(socket_path)
    UNIXSocket.open(socket_path) do |socket|
      socket.write("GET / HTTP/1.0\r\n\r\n")
      socket.read.split("\r\n\r\n", 2).last
    end
  end
end

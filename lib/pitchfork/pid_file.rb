# frozen_string_literal: true

require "pitchfork/errors"
require "pitchfork/ruby_command"

module Pitchfork
  # The file in which other programs look for the master's pid.
  class PidFile
    TITLE = "pitchfork master"

    # @param path [String] a relative one starts in the directory that the server was started in, wherever it is now
    # @return [PidFile] written
    # @raise [ConfigurationError] when it can't be, or belongs to another server
    def self.claim(path)
      new(path).claim
    end

    def initialize(path)
      # Without links: where one of them leads may have changed when the file is removed.
      @path = File.expand_path(path, File.realpath(RubyCommand::DIRECTORY))
    end

    # @return [self]
    def claim
      fresh = "#{@path}.#{Process.pid}"
      File.write(fresh, "#{Process.pid}\n")
      begin
        File.link(fresh, @path) # at once and whole, and only if there is none
      rescue Errno::EEXIST
        remove_stale
        retry
      end
      self
    rescue SystemCallError => e
      raise ConfigurationError, "pid #{@path}: cannot be written: #{reason(e)}"
    ensure
      remove(fresh)
    end

    # Removes the file, unless somebody else has written to it since.
    def release
      remove(@path) if content == Process.pid.to_s
    rescue SystemCallError
      nil # it is stale now, and the next server will see that
    end

    private

    # In a container the pid of a stale file is often our own.
    def remove_stale
      pid = content
      if pid != Process.pid.to_s && title(pid) == TITLE
        raise ConfigurationError, "pid #{@path}: process #{pid} is a running pitchfork; stop it, or choose another path"
      end

      remove(@path)
    end

    def content
      File.read(@path, 32).to_s.strip
    rescue Errno::ENOENT
      nil
    end

    def title(pid)
      File.binread("/proc/#{pid}/cmdline").delete("\0") if pid&.match?(/\A\d+\z/)
    rescue SystemCallError
      nil
    end

    def remove(path)
      File.unlink(path)
    rescue Errno::ENOENT
      nil
    end

    def reason(error)
      directory = File.dirname(@path)
      case error
      when Errno::ENOENT then "there is no directory #{directory}; create it first"
      when Errno::EACCES then "permission denied in #{directory}"
      when Errno::EISDIR, Errno::EPERM then "something else has that name"
      else error.message
      end
    end
  end
end

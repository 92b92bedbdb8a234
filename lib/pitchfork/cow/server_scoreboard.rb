# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  module Cow
    # The scoreboard of a running server: its master has it open, and whoever may look into /proc/PID/fd can open it, too.
    module ServerScoreboard
      LINK = "/memfd:pitchfork scoreboard (deleted)"
      private_constant :LINK

      class << self
        # @param master [Integer] pid
        # @return [Scoreboard]
        # @raise [ConfigurationError] when it can't be had, with what helps
        # @raise [Errno::ENOENT] when the master has gone
        def of(master)
          directory = "/proc/#{master}/fd"
          number = Dir.children(directory).find { |name| link("#{directory}/#{name}") == LINK } or
            raise ConfigurationError, "process #{master} has no scoreboard: it is not a pitchfork that can be asked"
          attach("#{directory}/#{number}")
        rescue Errno::EACCES
          raise ConfigurationError, "process #{master} is another user's: run this as the same user, or as root"
        rescue Errno::EPROTO
          raise ConfigurationError, "the server that runs is another version of pitchfork: use its own command, or restart it"
        end

        private

        def attach(path)
          file = File.open(path, "r+")
          file.autoclose = false
          Scoreboard.attach(file.fileno)
        end

        def link(path)
          File.readlink(path)
        rescue Errno::ENOENT
          nil
        end
      end
    end
  end
end

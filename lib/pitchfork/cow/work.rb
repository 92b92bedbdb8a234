# frozen_string_literal: true

require "pitchfork/cow/server_scoreboard"
require "pitchfork/errors"

module Pitchfork
  module Cow
    # What workers have done, as the server's scoreboard has it.
    #
    # @!attribute requests
    #   @return [Integer] completed
    # @!attribute gc_within
    #   @return [Float] seconds of garbage collection within requests
    # @!attribute gc_between
    #   @return [Float] ... and between them
    Work = Struct.new(:requests, :gc_within, :gc_between) do
      # @param master [Integer] pid
      # @return [Hash{Integer => Work}] by pid; empty when the server is another version's and its scoreboard can't be read
      def self.of(master)
        scoreboard = ServerScoreboard.of(master)
        scoreboard.rows.to_h { |row, pid, requests| [pid, new(requests, *scoreboard.gc_time(row))] }
      rescue ConfigurationError, SystemCallError
        {}
      end
    end
  end
end

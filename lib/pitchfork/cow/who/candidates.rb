# frozen_string_literal: true

require "pitchfork/cow/server_scoreboard"
require "pitchfork/cow/title"
require "pitchfork/errors"
require "pitchfork/process_table"

module Pitchfork
  module Cow
    module Who
      # The workers of a server that can be asked: those whose rows in the scoreboard say their pid.
      class Candidates
        # A worker, with the index of its row.
        Candidate = Struct.new(:row, :pid, :title, :requests) do
          def to_s
            "worker[#{title.name}] (gen:#{title.generation}, pid #{pid})"
          end
        end

        # Long enough to see who is at work.
        LOOK = 0.3
        private_constant :LOOK

        # @return [Scoreboard]
        attr_reader :scoreboard

        # @param master [Integer] pid
        def initialize(master, table: ProcessTable.new)
          @table = table
          @scoreboard = ServerScoreboard.of(master)
        end

        # @param number [Integer, nil] the worker's; nil: the one that completes most requests just now
        # @yield [seconds] to sleep
        # @return [Candidate]
        # @raise [ConfigurationError]
        def choose(number)
          return numbered(number) if number

          before = all.to_h { |worker| [worker.pid, worker.requests] }
          yield LOOK
          all.max_by { |worker| [worker.requests - before.fetch(worker.pid, 0), worker.requests] } or
            raise ConfigurationError, "no worker serves just now"
        end

        private

        def numbered(number)
          workers = all
          numbers = workers.map { |worker| worker.title.name }
          workers.select { |worker| worker.title.name == number.to_s }.max_by { |worker| worker.title.generation } or
            raise ConfigurationError, "--who #{number}: there is no such worker, only #{numbers.uniq.sort_by(&:to_i).join(", ")}; " \
                                      "the pid of a master stands apart (pitchfork cow #{number} --who)"
        end

        # A process that was promoted has two rows, and its title says that it is no worker. One that retires serves no more.
        def all
          @scoreboard.rows.filter_map do |row, pid, requests|
            title = Title.parse(@table.title(pid).to_s)
            Candidate.new(row, pid, title, requests) if title.role == :worker && title.status.nil?
          end
        end
      end
    end
  end
end

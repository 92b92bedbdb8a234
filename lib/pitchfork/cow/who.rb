# frozen_string_literal: true

require "pitchfork/cow/interruption"
require "pitchfork/cow/who/candidates"
require "pitchfork/cow/who/page"
require "pitchfork/cow/who/places"
require "pitchfork/cow/who/question"
require "pitchfork/cow/who/report"
require "pitchfork/cow/who/tally"
require "pitchfork/errors"
require "pitchfork/memory"

module Pitchfork
  module Cow
    # `pitchfork cow --who`: whose writes break the sharing, and who fills new memory. A worker samples its own page faults for
    # some seconds (ext/pitchfork/src/who) and names the code; what memory it was is looked up here.
    module Who
      LONGEST = 60 # seconds, in ext/pitchfork/src/who, too
      private_constant :LONGEST

      # @param master [Integer] pid
      # @param worker [Integer, nil] number; nil: the busiest
      # @param seconds [Numeric] for which it is watched
      # @param out [#puts]
      # @return [Integer] exit status
      # @raise [ConfigurationError] why there is no answer, and what helps
      def self.run(master, worker:, seconds:, out:)
        raise ConfigurationError, "--for #{format("%g", seconds)}: --who watches a worker for #{LONGEST} s at most" if seconds > LONGEST

        Interruption.watch do |interruption|
          table = Candidates.new(master)
          candidate = table.choose(worker) { |pause| interruption.sleep(pause) }
          notes = Memory.notes(candidate.pid)
          before = Places.maps(candidate.pid)
          report = Report.parse(Question.new(table.scoreboard, candidate, interruption).ask(seconds))
          places = Places.new(notes && Memory::Notes.parse(notes), Places.maps(candidate.pid) || before)
          out.puts(Page.new(candidate, report, Tally.new(report, places)).to_s)
        end
        0
      end
    end
  end
end

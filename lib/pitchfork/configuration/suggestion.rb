# frozen_string_literal: true

module Pitchfork
  class Configuration
    # The nearest known word to a mistyped one.
    module Suggestion
      # @return [String] "; did you mean worker_processes?", or "" when nothing is near
      def self.for(word, known)
        # Ruby can be started with --disable-did_you_mean.
        return "" unless defined?(DidYouMean::SpellChecker)

        nearest = DidYouMean::SpellChecker.new(dictionary: known.map(&:to_s)).correct(word.to_s).first
        nearest ? "; did you mean #{nearest}?" : ""
      end
    end
  end
end

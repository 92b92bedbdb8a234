# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  # Where the server's own lines go: to the configured logger, which may fail (a full disk, a closed pipe, a mistake of its own).
  # No request and no process ends because of that, and the line is on standard error instead.
  class Log
    # @param logger [#debug, #info, #warn, #error, #fatal]
    def initialize(logger)
      @logger = logger
    end

    %i[debug info warn error fatal].each do |level|
      # @param text [String]
      define_method(level) do |text|
        @logger.public_send(level, text)
      rescue AppError => e
        instead(level, text, e)
      end
    end

    private

    # A debug line may not even have been wanted. Ruby 3.1 puts the code into a NameError's message.
    def instead(level, text, error)
      why = "#{error.message[/.*/]} (#{error.class})"
      $stderr.write("the logger failed: #{why}. #{level.upcase} #{text}\n") unless level == :debug
    rescue IOError, SystemCallError
      # The same full disk, perhaps. There is nobody left to tell.
    end
  end
end

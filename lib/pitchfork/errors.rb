# frozen_string_literal: true

module Pitchfork
  # Everything this server raises on its own account.
  class Error < StandardError; end

  # A command line, a configuration file or a combination of settings that
  # cannot be used. The message names the place, the value and what was expected.
  class ConfigurationError < Error; end

  # A listener could not be bound: the address is in use, not available or not permitted.
  class BindError < Error; end

  # The application could not be loaded, or a process failed before it was ready.
  class BootFailure < Error; end

  # A process could not be forked.
  class ForkFailure < Error; end

  # What the app returned can't be sent: a status that is no number, a header that would inject a line, a body that
  # does not have the announced length.
  class ResponseError < Error; end

  # Matches what an app may raise without its worker's end: everything, but what is meant to end a process.
  module AppError
    ENDS = ["SystemExit", "SignalException", "fatal"].freeze
    private_constant :ENDS

    # For `rescue AppError`.
    def self.===(error)
      StandardError === error || error.class.ancestors.none? { |ancestor| ENDS.include?(ancestor.name) }
    end
  end

  # Nothing more comes from the client, or reaches it: it went away, it does not follow the protocol, it takes too long,
  # or what it sends is too large.
  class ClientShutdown < EOFError
    # @return [Integer] the status that tells the client, if the response has not begun
    attr_reader :status

    def initialize(message = nil, status = 400)
      super(message)
      @status = status
    end
  end
end

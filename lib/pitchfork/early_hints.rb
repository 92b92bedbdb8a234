# frozen_string_literal: true

module Pitchfork
  # `env["rack.early_hints"]`: tells the client what it will need, before the response is ready (RFC 8297).
  class EarlyHints
    def initialize(client)
      @client = client
    end

    # Sends a 103 response. Does nothing in HTTP/1.0, after the response has begun, and for a client that is gone: hints may
    # always be lost.
    #
    # @param headers [Hash] as of a response, mostly `link`
    # @raise [ResponseError] when they can't be sent
    def call(headers)
      @client.send_interim(103, headers)
    rescue ClientShutdown
      nil # the response will find out
    end
  end
end

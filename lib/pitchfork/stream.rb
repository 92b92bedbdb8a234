# frozen_string_literal: true

module Pitchfork
  # What a streaming body (one that answers `call` and not `each`) is given: reads the request's body, writes the response's.
  class Stream
    # @param input [#read] rack.input
    def initialize(client, input)
      @client = client
      @input = input
      @writable = true
    end

    def read(...)
      @input&.read(...)
    end

    # @return [Integer] bytes, all of them
    # @raise [IOError] when it is closed
    # @raise [ClientShutdown] when the client is gone
    # @raise [ResponseError] when it does not fit into the Content-Length
    def write(data)
      raise IOError, "the stream is closed for writing" unless @writable

      data = data.to_s
      Response.write(@client, data)
      data.bytesize
    end

    def <<(data)
      write(data)
      self
    end

    # Nothing is held back.
    def flush
      self
    end

    def close_read
      @input = nil
    end

    def close_write
      @writable = false
    end

    def close(_error = nil)
      close_read
      close_write
      nil
    end

    def closed?
      !@writable && @input.nil?
    end
  end
end

# frozen_string_literal: true

require "pitchfork/input"

module Pitchfork
  # What a streaming body (one that answers `call` and not `each`) is given: reads the request's body, writes the response's.
  # It behaves as a Socket does, with IOError for what is closed.
  #
  # The response ends when the stream is closed for writing, and at the latest when the body's `call` returns: a worker
  # serves one request at a time, and waits for no thread of the app's. What such a thread writes later raises IOError.
  class Stream
    NO_BODY = EmptyInput.new.freeze
    private_constant :NO_BODY

    class << self
      # Yields a stream, and closes it.
      #
      # @param input [#read, nil] rack.input
      def open(client, input)
        stream = new(client, input)
        yield stream
      ensure
        stream&.close
      end
    end

    def initialize(client, input)
      @client = client
      @input = input || NO_BODY
      @readable = @writable = true
      @lock = Mutex.new # as a Socket has one: what two threads write does not get mixed up
    end

    # (see Input#read)
    def read(...)
      raise IOError, @writable ? "not opened for reading" : "closed stream" unless @readable

      @input.read(...)
    end

    # Sends at once, and all of it.
    #
    # @return [Integer] bytes
    # @raise [IOError] when it is closed
    # @raise [ClientShutdown] when the client is gone
    # @raise [ResponseError] when it does not fit into the Content-Length
    def write(*parts)
      @lock.synchronize do
        check_writable
        parts.sum do |part|
          part = part.to_s
          Response.write(@client, part)
          part.bytesize
        end
      end
    end

    def <<(part)
      write(part)
      self
    end

    # Nothing is held back.
    def flush
      raise IOError, "closed stream" if closed?

      self
    end

    def close_read
      @readable = false
      nil
    end

    # Ends the response. What the client sends can still be read.
    #
    # @raise [ResponseError] when it is shorter than its Content-Length
    def close_write
      @lock.synchronize do
        return unless @writable

        @writable = false
        finish
      end
    end

    # @param error [Exception, nil] why the response stays as it is, which is not whole
    def close(error = nil)
      @readable = false
      error ? break_off : close_write
      nil
    end

    def closed?
      !@readable && !@writable
    end

    private

    def check_writable
      raise IOError, @readable ? "not opened for writing" : "closed stream" unless @writable
    end

    def break_off
      @client.break_off if @writable
      @writable = false
    end

    # Bodies close their stream in an `ensure`. With an exception on its way, half a response would look like a whole one;
    # if somebody rescues it, the end is sent when `call` returns.
    def finish
      return if $!

      missing = @client.finish
      raise ResponseError, "the response body is #{missing} bytes shorter than its Content-Length" unless missing.zero?
    end
  end
end

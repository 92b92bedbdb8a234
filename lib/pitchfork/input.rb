# frozen_string_literal: true

module Pitchfork
  # `rack.input` of a request without a body. It has no state, so one serves all requests.
  class EmptyInput
    def read(length = nil, buffer = nil)
      buffer&.clear
      length.nil? || length.zero? ? buffer || "".b : nil
    end

    def gets(*)
      nil
    end

    def each
      self
    end

    def rewind
      0
    end

    def size
      0
    end

    def close
      nil
    end
  end

  # `rack.input` as it comes off the socket: each byte can be read once. Nothing is read before the app asks.
  class Input
    PIECE = 64 * 1024
    private_constant :PIECE

    def initialize(client)
      @client = client
      @pending = +"".b
      @ended = false
    end

    # @param length [Integer, nil] at most so many bytes; nil: all there is
    # @param buffer [String, nil] replaced by what was read
    # @return [String, nil] binary; nil at the end, if a positive length was asked for
    # @raise [ClientShutdown] when the client stops in the middle
    def read(length = nil, buffer = nil)
      raise ArgumentError, "negative length #{length} given" if length&.negative?

      fill(length)
      data = length ? @pending.slice!(0, length) : take_all
      data = buffer.replace(data) if buffer
      data.empty? && length&.positive? ? nil : data
    end

    # @return [String, nil] the next line with its "\n"; nil at the end
    def gets(*)
      searched = 0
      until (index = @pending.index("\n", searched)) || @ended
        searched = @pending.bytesize
        fill(searched + 1)
      end
      line = @pending.slice!(0, index ? index + 1 : @pending.bytesize)
      line unless line.empty?
    end

    # @yieldparam line [String]
    def each
      while (line = gets)
        yield line
      end
      self
    end

    # What is left unread is dropped with the connection.
    def close
      nil
    end

    private

    def take_all
      data = @pending
      @pending = +"".b
      data
    end

    # Reads until `length` bytes are pending (nil: to the end).
    def fill(length)
      until @ended || (length && @pending.bytesize >= length)
        piece = @client.read_body(length ? [length - @pending.bytesize, PIECE].max : PIECE)
        piece ? @pending << piece : @ended = true
      end
    end
  end
end

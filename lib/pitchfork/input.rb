# frozen_string_literal: true

module Pitchfork
  # `rack.input` of a request without a body. It has no state, so one serves all requests; closing it changes nothing.
  class EmptyInput
    def read(length = nil, buffer = nil)
      raise ArgumentError, "negative length #{length} given" if length&.negative?

      buffer&.clear
      length.nil? || length.zero? ? buffer || "".b : nil
    end

    def gets(*)
      nil
    end

    def each
      block_given? ? self : to_enum
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

  # `rack.input` as it comes off the socket: each byte can be read once. Nothing is read before the app asks, and (but for
  # {#gets}, which can't know where a line ends) no more than it asks for: the rest is there for who hijacks the connection.
  class Input
    PIECE = 64 * 1024
    private_constant :PIECE

    def initialize(client)
      @client = client
      @pending = "".b
      @taken = 0 # bytes of @pending; to remove them from it each time would move all the others
      @ended = false
    end

    # @param length [Integer, nil] at most so many bytes; nil: all there is
    # @param buffer [String, nil] replaced by what was read
    # @return [String, nil] binary; nil at the end, if a positive length was asked for
    # @raise [ClientShutdown] when the client stops in the middle
    # @raise [IOError] when it is closed
    def read(length = nil, buffer = nil)
      raise ArgumentError, "negative length #{length} given" if length&.negative?

      check_open
      buffer&.clear
      fill(length)
      data = take(length)
      if buffer
        buffer.force_encoding(Encoding::BINARY) << data
        data.clear # frees its memory at once: as garbage, some tens of MiB pile up before the collector runs
        data = buffer
      end
      data.empty? && length&.positive? ? nil : data
    end

    # @return [String, nil] the next line with its "\n"; nil at the end
    def gets
      check_open
      searched = 0
      until (index = @pending.index("\n", @taken + searched)) || @ended
        searched = left
        receive(PIECE)
      end
      line = take(index && (index + 1 - @taken))
      line unless line.empty?
    end

    # @yieldparam line [String]
    def each
      return to_enum unless block_given?

      while (line = gets)
        yield line
      end
      self
    end

    # What is left unread is dropped with the connection.
    def close
      @client = nil
      forget
      nil
    end

    private

    def check_open
      raise IOError, "closed stream" unless @client
    end

    # @return [Integer] how many bytes are pending
    def left
      @pending.bytesize - @taken
    end

    # Reads until `length` bytes are pending (nil: to the end).
    def fill(length)
      receive(length ? [length - left, PIECE].min : PIECE) until @ended || (length && left >= length)
    end

    # A piece that is all there is, which is the usual case, is handed on as it came, without a copy.
    def receive(most)
      piece = @client.read_body(most)
      if piece.nil?
        @ended = true
      elsif left.zero?
        forget(piece)
      else
        forget(@pending.byteslice(@taken..)) if @taken.positive?
        @pending << piece
        piece.clear # its memory; see #read
      end
    end

    # @return [String] `length` bytes of what is pending (nil: all)
    def take(length)
      if length && length < left
        @taken += length
        @pending.byteslice(@taken - length, length)
      else
        rest = @taken.zero? ? @pending : @pending.byteslice(@taken..)
        forget
        rest
      end
    end

    def forget(pending = "".b)
      @pending = pending
      @taken = 0
    end
  end
end

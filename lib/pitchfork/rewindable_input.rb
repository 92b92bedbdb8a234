# frozen_string_literal: true

require "stringio"
require "tempfile"
require "pitchfork/input"

module Pitchfork
  # `rack.input` that can be read again: what came off the socket is kept, in memory while it is small and then in a file
  # that has no name. The body is received when the app first reads.
  class RewindableInput
    PIECE = 64 * 1024
    private_constant :PIECE

    # @param memory [Integer] how many bytes are kept in memory
    def initialize(client, memory)
      @client = client
      @memory = memory
    end

    def read(...)
      spool.read(...)
    end

    def gets(...)
      spool.gets(...)
    end

    def each(&block)
      spool.each_line(&block)
      self
    end

    def rewind
      spool.rewind
    end

    def size
      spool.size
    end

    # Frees what was kept.
    def close
      @spool&.close
    end

    private

    def spool
      @spool ||= receive
    end

    def receive
      spool = StringIO.new(+"".b)
      while (piece = @client.read_body(PIECE))
        spool = to_file(spool) if spool.is_a?(StringIO) && spool.size + piece.bytesize > @memory
        spool.write(piece)
      end
      spool.rewind
      spool
    rescue ClientShutdown
      spool.close
      raise
    end

    def to_file(spool)
      file = Tempfile.new("pitchfork-body", binmode: true)
      file.unlink
      file.write(spool.string)
      file
    end
  end
end

# frozen_string_literal: true

require "stringio"
require "tempfile"
require "pitchfork/input"

module Pitchfork
  # `rack.input` that can be read again: what came off the socket is kept, in memory while it is small and then in a file
  # that has no name. It is received as the app asks for it, and as {Input} does no more than that.
  class RewindableInput
    PIECE = 64 * 1024
    private_constant :PIECE

    # @param memory [Integer] how many bytes are kept in memory
    def initialize(client, memory)
      @client = client
      @memory = memory
      @kept = nil # many bodies are never read
      @received = 0
      @ended = false
    end

    # (see Input#read)
    def read(length = nil, buffer = nil)
      check_open
      receive(length && (@kept.pos + length)) unless @ended
      data = @kept.read(length, buffer)
      buffer&.force_encoding(Encoding::BINARY)
      data
    end

    # @param arguments as IO#gets has them. Rack knows none; with some, all is received first
    # @return [String, nil] the next line with its "\n"; nil at the end
    def gets(*arguments, **options)
      check_open
      return next_line if arguments.empty? && options.empty?

      receive(nil)
      @kept.gets(*arguments, **options)
    end

    # @yieldparam line [String]
    def each
      return to_enum unless block_given?

      while (line = gets)
        yield line
      end
      self
    end

    def rewind
      check_open
      @kept.rewind
    end

    # @return [Integer] bytes of the whole body
    def size
      check_open
      receive(nil)
      @received
    end

    # Frees what was kept.
    def close
      @kept&.close
      @kept = @client = nil
    end

    private

    def check_open
      raise IOError, "closed stream" unless @client

      @kept ||= StringIO.new("".b)
    end

    # Receives until there are `total` bytes (nil: to the end). A piece is kept elsewhere, and its own memory freed at once: as
    # garbage, tens of MiB would pile up before the collector runs.
    def receive(total)
      until @ended || (total && @received >= total)
        piece = receive_piece(total ? [total - @received, PIECE].min : PIECE)
        piece&.clear
      end
    end

    # @return [String, nil] what has come; nil at the end
    def receive_piece(most = PIECE)
      piece = @client.read_body(most)
      piece ? keep(piece) : @ended = true
      piece
    end

    # The place to read from stays where it is. When a piece can't be kept, as on a full disk, nothing can be read any more:
    # what follows must not be taken for what is lost.
    def keep(piece)
      move_to_file if @received + piece.bytesize > @memory && @kept.is_a?(StringIO)
      @kept.is_a?(StringIO) ? @kept.string << piece : write_to_file(piece, @received)
      @received += piece.bytesize
      done = true
    ensure
      close unless done
    end

    def next_line
      line = @kept.gets("\n")
      return line if @ended || line&.end_with?("\n")

      start = @kept.pos - line.to_s.bytesize
      begin
        nil until (piece = receive_piece).nil? || piece.include?("\n")
      ensure
        @kept&.pos = start # nil: it could not be kept
      end
      @kept.gets("\n")
    end

    def move_to_file
      memory = @kept
      @kept = temporary_file
      write_to_file(memory.string, 0)
      @kept.pos = memory.pos
    end

    # By pwrite(2), which leaves the position alone. IO#write would also leave a copy for the garbage collector (Ruby 3.3).
    def write_to_file(data, position)
      written = @kept.pwrite(data, position)
      # On a full disk, the rest says so.
      write_to_file(data.byteslice(written..), position + written) if written < data.bytesize
    end

    def temporary_file
      File.open(Dir.tmpdir, File::RDWR | File::TMPFILE, 0o600).binmode
    rescue Errno::EOPNOTSUPP, Errno::EISDIR, Errno::EINVAL # not every file system has files without a name
      Tempfile.create("pitchfork-body", binmode: true).tap { |file| File.unlink(file) }
    end
  end
end

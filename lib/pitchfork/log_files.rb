# frozen_string_literal: true

require "fcntl"

module Pitchfork
  # The files that a process appends to, for tools like logrotate that move them away: whoever has one open goes on writing
  # to the old file until it is opened again by its name.
  #
  # The master counts how often it was asked, in the scoreboard. It tells its children by a signal; a process that was only
  # being forked or booted then sees it from the count.
  module LogFiles
    STREAM = %r{\A#<IO:(/.*)>\z}m
    private_constant :STREAM

    @epoch = 0

    class << self
      # @return [Integer] the count up to which this process has followed
      attr_accessor :epoch

      # Opens each file again whose path now names another file or none, under the same descriptor. Not in a trap, and not
      # while this thread writes.
      #
      # @yieldparam path [String] of a file that can't be opened; the old one stays
      # @yieldparam error [SystemCallError]
      # @return [Integer] how many were opened
      def reopen
        (ObjectSpace.each_object(File).to_a + [STDOUT, STDERR]).count do |file|
          path = path(file)
          path && moved?(file, path) && open_again(file, path)
        rescue SystemCallError => e
          yield path, e
          false
        rescue IOError
          false # closed, or never opened
        end
      end

      private

      # Of a standard stream that was sent to a file by `reopen`, Ruby tells it only so (IO#path comes with 3.2).
      def path(file)
        file.is_a?(File) ? file.path : file.inspect[STREAM, 1]
      end

      def moved?(file, path)
        flags = file.fcntl(Fcntl::F_GETFL)
        flags.anybits?(File::APPEND) && flags.anybits?(File::WRONLY | File::RDWR) &&
          file.stat.file? && !File.identical?(file, path)
      end

      def open_again(file, path)
        sync = file.sync
        create(path, file.stat, file.fcntl(Fcntl::F_GETFL) & (File::WRONLY | File::RDWR)) do |fresh|
          fresh.binmode if file.binmode?
          file.reopen(fresh)
        end
        file.sync = sync
        true
      end

      # With the rights of the old file, if there is none yet: whoever could write to that, can write to this.
      def create(path, old, access, &block)
        is_new = !File.exist?(path)
        File.open(path, access | File::APPEND | File::CREAT, old.mode & 0o777) do |file|
          file.chown(old.uid, old.gid) if is_new && Process.euid.zero?
          block.call(file)
        end
      end
    end
  end
end

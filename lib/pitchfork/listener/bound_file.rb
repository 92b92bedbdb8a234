# frozen_string_literal: true

module Pitchfork
  class Listener
    # The file of a bound UNIX socket. Somebody else may remove it, or put another in its place.
    class BoundFile
      # @param path [String]
      # @param owner [Integer, nil] pid of the process that has bound it
      def initialize(path, owner)
        @path = path
        @owner = owner
        @identity = identity
      end

      # @return [Boolean] whether who connects there still comes to the socket
      def intact?
        !@identity.nil? && @identity == identity
      end

      # @raise [SystemCallError]
      def umask=(mask)
        File.chmod(0o777 & ~mask, @path)
      end

      # Only the process that bound it removes it.
      def remove
        File.unlink(@path) if @owner == Process.pid && intact?
      rescue Errno::ENOENT
        nil
      end

      private

      def identity
        stat = File.lstat(@path)
        [stat.dev, stat.ino]
      rescue Errno::ENOENT
        nil
      end
    end
  end
end

# frozen_string_literal: true

require "socket"
require "pitchfork/errors"

module Pitchfork
  class Listener
    # The file of a UNIX socket outlives its server when that is killed. This tells a stale file from a live one.
    class SocketFile
      PROC_NET_UNIX = "/proc/net/unix"
      NOT_A_SOCKET = "it is not a socket; remove it, or choose another path"

      # An unconnected socket in the "St" column of /proc/net/unix (proc(5)): bound, whether or not it listens.
      UNCONNECTED = "01"

      # @param path [String] absolute
      def initialize(path)
        @path = path
      end

      # Removes the file when nobody serves it any more.
      #
      # @return [Boolean] whether the path is free now
      # @raise [BindError] when the file is no socket: that is never removed
      def remove_if_stale
        raise BindError, "cannot listen on #{@path}: #{NOT_A_SOCKET}" unless socket?
        return false if answers? || bound?

        File.unlink(@path)
        true
      rescue Errno::ENOENT
        true
      end

      private

      # A link is not followed: what it points to belongs to someone else.
      def socket?
        File.lstat(@path).socket?
      end

      # Does not wait: a full queue (EAGAIN) is a server, too.
      def answers?
        socket = Socket.new(:UNIX, :STREAM)
        socket.connect_nonblock(Addrinfo.unix(@path), exception: false)
        true
      rescue Errno::ECONNREFUSED
        false
      rescue Errno::EACCES, Errno::EAGAIN, Errno::EPROTOTYPE
        true
      ensure
        socket&.close
      end

      # A server that is still booting has bound its socket and refuses connections.
      def bound?
        File.foreach(PROC_NET_UNIX).any? do |line|
          fields = line.chomp.split(" ", 8)
          fields[5] == UNCONNECTED && fields[7] == @path
        end
      rescue Errno::ENOENT
        false
      end
    end
  end
end

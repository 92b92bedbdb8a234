# frozen_string_literal: true

require "socket"

module Chaos
  # Which connections a process holds, as the kernel's socket diagnostics tell (sock_diag(7)): the accepted socket is known by
  # its inode in /proc, and its other end, which is ours, by the diagnostics.
  #
  # It works for what was accepted and never came to the app, too, and needs no word from the process.
  class Sockets
    NETLINK = 16
    SOCK_DIAG = 4
    BY_FAMILY = 20
    DUMP = 0x301 # NLM_F_REQUEST | NLM_F_DUMP
    DONE = 3
    ERROR = 2
    TCP = 6
    # ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK and CLOSING: not the many in TIME_WAIT, which nobody holds.
    STATES = [1, 4, 5, 8, 9, 11].sum { |state| 1 << state }
    SHOW_PEER = 4
    PEER = 2
    private_constant :NETLINK, :SOCK_DIAG, :BY_FAMILY, :DUMP, :DONE, :ERROR, :TCP, :STATES, :SHOW_PEER, :PEER

    # What a client's own socket is known by: its port, or for a UNIX socket its inode.
    #
    # @param socket [BasicSocket] connected
    # @return [Array]
    def self.key(socket)
      socket.is_a?(UNIXSocket) ? [:unix, socket.stat.ino] : [:tcp, socket.local_address.ip_port]
    end

    # @param port [Integer] the server's
    def initialize(port)
      @port = port
      @netlink = Socket.new(NETLINK, Socket::SOCK_DGRAM, SOCK_DIAG)
    end

    # @param pid [Integer] of a process that is stopped, or the answer is old when it comes
    # @return [Array<Array>] keys of the clients' ends
    def held_by(pid)
      inodes = self.class.inodes(pid)
      return [] if inodes.empty?

      peers.values_at(*inodes).compact
    end

    # @return [Array<Integer>] of the sockets that a process has open
    def self.inodes(pid)
      Dir.children("/proc/#{pid}/fd").filter_map do |number|
        File.readlink("/proc/#{pid}/fd/#{number}")[/\Asocket:\[(\d+)\]/, 1]&.to_i
      rescue Errno::ENOENT
        nil
      end
    rescue SystemCallError
      []
    end

    def close
      @netlink.close
    end

    private

    # @return [Hash{Integer => Array}] the client's key for each accepted socket
    def peers
      inet = [Socket::AF_INET, TCP, 0, 0, STATES, @port, *Array.new(12, 0)].pack("C4LnnL4L4LLL")
      unix = [Socket::AF_UNIX, 0, 0, 0xffff_ffff, 0, SHOW_PEER, 0, 0].pack("CCSL5")
      found = dump(inet).to_h { |message| [message.unpack1("@68L"), [:tcp, message.unpack1("@6n")]] }
      dump(unix).each do |message|
        length, type, peer = message.unpack("@16SSL")
        found[message.unpack1("@4L")] = [:unix, peer] if length && type == PEER
      end
      found
    end

    # @return [Array<String>] the messages that answer a request
    def dump(request)
      @netlink.send([16 + request.bytesize, BY_FAMILY, DUMP, 1, 0].pack("LSSLL") + request, 0)
      messages = []
      loop do
        datagram = @netlink.recv(1 << 16)
        until datagram.empty?
          length, type = datagram.unpack("LS")
          return messages if type == DONE
          raise SystemCallError.new("sock_diag", -datagram.unpack1("@16l")) if type == ERROR

          messages << datagram.byteslice(16, length - 16)
          datagram = datagram.byteslice((length + 3) & ~3..) || ""
        end
      end
    end
  end
end

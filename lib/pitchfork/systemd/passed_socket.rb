# frozen_string_literal: true

require "socket"
require "pitchfork/address"
require "pitchfork/errors"

module Pitchfork
  class Systemd
    # A socket that was made by whoever has started this process, sd_listen_fds(3). Its options are those of the socket unit.
    class PassedSocket
      # Of the first descriptor that is passed.
      FIRST = 3
      # For the boot mold, which the master gives them by their numbers.
      VARIABLE = "PITCHFORK_PASSED"

      # @return [Socket]
      attr_reader :io
      # @return [Address]
      attr_reader :address
      # @return [String, nil] FileDescriptorName= of the socket unit, which defaults to the unit's own name
      attr_reader :name

      # @param sockets [Array<PassedSocket>]
      # @return [Hash{String => String}] for the environment of the boot mold
      def self.environment(sockets)
        sockets.empty? ? {} : { VARIABLE => sockets.map { |socket| socket.io.fileno }.join(",") }
      end

      # @return [Array<PassedSocket>] none if the variables are meant for another process
      # @raise [BindError]
      def self.take(environment)
        if (numbers = environment.delete(VARIABLE))
          return numbers.split(",").map { |number| new(Integer(number, 10)) }
        end

        pid, count, names = %w[LISTEN_PID LISTEN_FDS LISTEN_FDNAMES].map { |name| environment.delete(name) }
        return [] unless pid == Process.pid.to_s

        number = Integer(count.to_s, 10, exception: false)
        raise BindError, "LISTEN_FDS: expected how many sockets are passed, got #{count.inspect}" unless number&.>=(0)

        names = names.to_s.split(":")
        Array.new(number) { |index| new(FIRST + index, names[index]) }
      end

      # @param descriptor [Integer]
      # @raise [BindError] when it is none that clients can connect to
      def initialize(descriptor, name = nil)
        @descriptor = descriptor
        @name = name unless name.to_s.empty?
        @io = open
        @io.close_on_exec = true
        @listens = @io.getsockopt(:SOCKET, :ACCEPTCONN).bool
        @address = check_address
        freeze
      rescue BindError
        @io&.close
        raise
      end

      # @return [Boolean] false: it is bound, and that is all
      def listens?
        @listens
      end

      # @param other [Address] of the configuration
      # @return [Boolean] whether who connects there comes to this socket
      def serves?(other)
        return address == other if address.unix? || other.unix?
        return false unless address.port == other.port

        host = other.resolve.ip_address
        host == address.host || (host == "0.0.0.0" && both_families?)
      rescue SocketError
        false # who binds it will say so
      end

      private

      def open
        unless File.stat("/proc/self/fd/#{@descriptor}").socket?
          refuse("is no socket; in the socket unit, use nothing but ListenStream=")
        end
        Socket.for_fd(@descriptor)
      rescue Errno::ENOENT
        refuse("is not open")
      end

      def check_address
        unless @io.getsockopt(:SOCKET, :TYPE).int == Socket::SOCK_STREAM
          refuse("is no stream socket; in the socket unit, use ListenStream=")
        end
        refuse("is a connection; in the socket unit, use Accept=no") if connected?
        local = @io.local_address
        refuse("is neither a TCP nor a UNIX socket") unless local.ip? || local.unix?
        refuse("is not bound to an address") if local.ip? ? local.ip_port.zero? : local.unix_path.empty?

        Address.of(local)
      end

      def connected?
        !@listens && @io.remote_address && true
      rescue Errno::ENOTCONN
        false
      end

      # What "ListenStream=8080" makes, unless BindIPv6Only= says otherwise: its IPv4 clients are those of 0.0.0.0.
      def both_families?
        address.host == "::" && @io.getsockopt(:IPV6, :V6ONLY).int.zero?
      end

      def refuse(complaint)
        raise BindError, "LISTEN_FDS: descriptor #{@descriptor}#{" (#{@name})" if @name} #{complaint}"
      end
    end
  end
end

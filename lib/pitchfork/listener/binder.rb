# frozen_string_literal: true

require "socket"
require "pitchfork/errors"
require "pitchfork/listener/socket_file"
require "pitchfork/listener/socket_options"

module Pitchfork
  class Listener
    # Makes the sockets of a {ListenerSpec}: options, binding, and another try while the address is in use.
    class Binder
      IN_USE = "address already in use (another server is running there, or choose another port with -p)"
      PATH_IN_USE = "address already in use (another server is running there, or choose another path with -l)"

      # What an error number means here, and what can be done about it.
      REASONS = {
        Errno::EACCES => "permission denied (a port below 1024 needs root or CAP_NET_BIND_SERVICE)",
        Errno::EADDRNOTAVAIL => "no interface of this machine has that address",
        Errno::EAFNOSUPPORT => "this machine does not support that kind of address"
      }.freeze

      # @param spec [ListenerSpec]
      # @param logger [Logger]
      # @param tries [Integer] more, while the address is in use; negative: for ever
      def initialize(spec, logger, tries: spec[:tries])
        @spec = spec
        @address = spec.address
        @logger = logger
        @tries = tries
      end

      # @return [Array<Socket>] bound, one for each queue
      # @raise [BindError]
      def call
        tries_left = @tries
        begin
          bind
        rescue Errno::EADDRINUSE
          raise BindError, "cannot listen on #{@address}: #{@address.unix? ? PATH_IN_USE : IN_USE}" if tries_left.zero?

          @logger.warn("#{@address} is in use, trying again in #{@spec[:delay]}s" \
                       "#{" (#{tries_left} left)" if tries_left.positive?}")
          tries_left -= 1
          sleep(@spec[:delay])
          retry
        end
      end

      private

      def bind
        @address.unix? ? bind_unix : bind_tcp
      rescue Errno::EADDRINUSE
        raise
      rescue SocketError, SystemCallError => e
        raise BindError, "cannot listen on #{@address}: #{reason(e)}"
      end

      def bind_tcp
        sockets = [tcp_socket(@address.resolve)]
        # Port 0 is the kernel's choice only once.
        (@spec[:queues] - 1).times { sockets << tcp_socket(sockets.first.local_address) }
        sockets
      rescue StandardError
        sockets&.each(&:close)
        raise
      end

      def tcp_socket(addrinfo)
        socket(addrinfo) do |socket|
          socket.setsockopt(:SOCKET, :REUSEADDR, true)
          socket.setsockopt(:IPV6, :V6ONLY, @spec[:ipv6only]) if addrinfo.ipv6? && !@spec[:ipv6only].nil?
        end
      end

      def bind_unix
        addrinfo = Addrinfo.unix(@address.path)
        [with_umask { socket(addrinfo) }]
      rescue Errno::EADDRINUSE
        raise unless SocketFile.new(@address.path).remove_if_stale

        [with_umask { socket(addrinfo) }]
      end

      def socket(addrinfo)
        socket = Socket.new(addrinfo.afamily, :STREAM)
        socket.setsockopt(:SOCKET, :REUSEPORT, true) if @spec[:reuseport] && addrinfo.ip?
        SocketOptions.apply(socket, @spec)
        yield socket if block_given?
        socket.bind(addrinfo)
        socket
      rescue StandardError
        socket&.close
        raise
      end

      # The umask is the process's: this is the master before it forks, without other threads.
      def with_umask
        before = File.umask(@spec[:umask])
        yield
      ensure
        File.umask(before)
      end

      def reason(error)
        return error.message if error.is_a?(SocketError)
        return unix_reason(error) if @address.unix?

        REASONS.fetch(error.class) { error.message }
      end

      def unix_reason(error)
        directory = File.dirname(@address.path)
        case error
        when Errno::ENOENT then "there is no directory #{directory}; create it first"
        when Errno::EACCES then "permission denied in #{directory}"
        when Errno::ENOTDIR then "#{directory} is not a directory"
        else error.message
        end
      end
    end
  end
end

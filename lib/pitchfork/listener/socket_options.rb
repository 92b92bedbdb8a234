# frozen_string_literal: true

require "socket"

module Pitchfork
  class Listener
    # The options that a bound socket can still change. Connections take them over when they are accepted (tcp(7)).
    module SocketOptions
      # Those that it can't.
      FIXED = %i[ipv6only reuseport queues].freeze
      # The system's own size can't be asked for again.
      BUFFERS = { rcvbuf: :RCVBUF, sndbuf: :SNDBUF }.freeze

      class << self
        # @param socket [Socket]
        # @param spec [ListenerSpec]
        def apply(socket, spec)
          BUFFERS.each { |name, option| socket.setsockopt(:SOCKET, option, spec[name]) if spec[name] }
          return if spec.address.unix?

          socket.setsockopt(:TCP, :NODELAY, spec[:tcp_nodelay])
          socket.setsockopt(:TCP, :CORK, spec[:tcp_nopush])
        end

        # @return [Array<Symbol>] what differs, and needs another socket
        def fixed(old, new)
          changed = new.options.keys.reject { |name| old[name] == new[name] }
          changed & (FIXED + BUFFERS.keys.reject { |name| new[name] })
        end
      end
    end
  end
end

# frozen_string_literal: true

require "socket"
require "pitchfork/info"

module Pitchfork
  class MoldCheck
    # Connections that every worker would inherit: two processes that talk over one connection get each other's answers.
    #
    # Only connected stream sockets count. Our listeners are not connected, and our channels are no streams.
    module Sockets
      STANDARD = [0, 1, 2].freeze
      # A look at a descriptor that belongs to someone else.
      Borrowed = Class.new(Socket)
      private_constant :STANDARD, :Borrowed

      class << self
        # @return [Array<String>] a complaint for each
        def complaints
          unexpected.filter_map { |socket| complaint(socket) }
        end

        # @return [Boolean]
        def any?
          !unexpected.empty?
        end

        private

        def complaint(socket)
          "descriptor #{socket.fileno} is connected to #{peer(socket)} (#{origin(socket)}), and every worker would inherit it: " \
            "close it in before_fork or after_mold_fork, declare it with Pitchfork::Info.keep_io, or set mold_sockets :warn"
        rescue SystemCallError
          # Its object was garbage, and has just been collected.
        end

        # A copy of a descriptor is as good as the original: under systemd, standard error is a stream to its journal.
        #
        # @return [Array<Borrowed>]
        def unexpected
          sockets = all
          expected = sockets.values_at(*STANDARD, *Info.kept_descriptors).compact
          sockets.reject { |_, socket| expected.include?(socket) }.keys.filter_map { |number| connected(number) }
        end

        # @return [Hash{Integer => String}] what the kernel calls the socket behind each descriptor
        def all
          numbers = Dir.children("/proc/self/fd").map { |name| Integer(name, 10) }.sort
          numbers.to_h { |number| [number, link(number)] }.select { |_, link| link&.start_with?("socket:") }
        end

        def link(number)
          File.readlink("/proc/self/fd/#{number}")
        rescue Errno::ENOENT
          # It was that of the look into the directory.
        end

        # @return [Borrowed, nil]
        def connected(number)
          socket = Borrowed.for_fd(number)
          socket.autoclose = false
          socket if socket.getpeername && socket.getsockopt(:SOCKET, :TYPE).int == Socket::SOCK_STREAM
        rescue SystemCallError
          # Not connected.
        end

        def peer(socket)
          address = socket.remote_address
          address.unix? && address.unix_path.empty? ? "an unnamed UNIX socket" : address.inspect_sockaddr
        end

        # @return [String] the class of the object that the app has, who holds that, and the line that has made it
        def origin(socket)
          io = object(socket.fileno) or return "opened by native code, which has no IO object for it"
          [io.class, *holders(io), *line(io)].join(", ")
        end

        def object(number)
          own = ObjectSpace.each_object(IO).select { |io| Info.number(io) == number && !io.instance_of?(Borrowed) }
          own.min_by { |io| io.is_a?(BasicSocket) ? 0 : 1 }
        end

        # Asked without the object's own methods, which may do anything.
        def holders(io)
          names = Kernel.instance_method(:instance_variables)
          value = Kernel.instance_method(:instance_variable_get)
          holders = ObjectSpace.each_object(Object).select do |object|
            names.bind_call(object).any? { |name| io.equal?(value.bind_call(object, name)) }
          end
          kind = Kernel.instance_method(:class)
          holders.map { |holder| "held by #{Module === holder ? holder.name : "a #{kind.bind_call(holder)}"}" }.uniq.first(3)
        end

        # Known when the app has ObjectSpace.trace_object_allocations_start.
        def line(io)
          file = ObjectSpace.allocation_sourcefile(io) if ObjectSpace.respond_to?(:allocation_sourcefile)
          ["opened at #{file}:#{ObjectSpace.allocation_sourceline(io)}"] if file
        end
      end
    end
  end
end

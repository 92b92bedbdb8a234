# frozen_string_literal: true

require "io/nonblock"
require "socket"
require "pitchfork/address"
require "pitchfork/errors"
require "pitchfork/listener/binder"
require "pitchfork/listener/bound_file"

module Pitchfork
  # A bound address, with one socket or more. Binding and listening are two steps: a port in use is noticed before the
  # application boots, but nobody can connect before there is a worker to answer.
  class Listener
    CHANGED = "the configuration was changed after the master had read it, and its listeners are not those that are bound; " \
              "start again, or send the master HUP"

    # @return [ListenerSpec]
    attr_reader :spec
    # @return [Array<Socket>] one for each queue, non-blocking, closed on exec
    attr_reader :ios
    # @return [Address] as bound: with the port that the kernel chose for port 0
    attr_reader :address

    # @param spec [ListenerSpec]
    # @param logger [Logger] told about each try while the address is in use
    # @param options of {Binder#initialize}
    # @return [Listener] bound, not listening
    # @raise [BindError]
    def self.bind(spec, logger, **options)
      return Passed.adopt(spec) if spec.passed

      new(spec, Binder.new(spec, logger, **options).call, owner: Process.pid)
    end

    # The listener of another process, usually the one that executed this one.
    #
    # @param file_descriptors [Array<Integer>]
    # @return [Listener] that never removes the socket's file
    # @raise [BootFailure] when that process has bound it for another specification
    def self.inherit(spec, file_descriptors)
      return Passed.adopt(spec) if spec.passed

      sockets = file_descriptors.map { |number| Socket.for_fd(number) }
      raise BootFailure, CHANGED unless sockets.all? { |socket| as_specified?(socket.local_address, spec.address) }

      new(spec, sockets, owner: nil)
    end

    # A name may have any host's address.
    def self.as_specified?(local, address)
      return local.unix? && local.unix_path == address.path if address.unix?

      local.ip? && [0, local.ip_port].include?(address.port)
    end

    private_class_method :new, :as_specified?

    def initialize(spec, sockets, owner:)
      @spec = spec
      @ios = sockets.each do |socket|
        socket.nonblock = true
        socket.close_on_exec = true
      end
      @listening = false
      @address = spec.address.unix? ? spec.address : spec.address.with_port(io.local_address.ip_port)
      @file = BoundFile.new(address.path, owner) if address.unix?
    end

    # Starts to accept connections into the kernel's queue.
    #
    # @return [self]
    # @raise [BindError]
    def listen
      first, *others = ios
      accept_on(first)
      # The kernel spreads connections over all sockets of an address that permit it. Ours do not before the first of them
      # listens: a server that is there already would not be noticed.
      ios.each { |io| io.setsockopt(:SOCKET, :REUSEPORT, true) } if others.any?
      others.each { |io| accept_on(io) }
      @listening = true
      self
    rescue Errno::EADDRINUSE
      # Two sockets with SO_REUSEADDR may be bound to one port; only one of them may listen.
      raise BindError, "cannot listen on #{address}: #{Binder::IN_USE}"
    end

    def listening?
      @listening
    end

    # Whether this is the socket for another specification: of the same address, and with a file that is still its own.
    #
    # @param other [ListenerSpec]
    def serves?(other)
      [spec.address, address].include?(other.address) && (@file.nil? || @file.intact?)
    end

    # Takes over what `listen` says of this address now.
    #
    # @param spec [ListenerSpec]
    # @return [Array<String>] what is not as it says: a bound socket keeps some options as they are
    def respecify(spec)
      complaints = SocketOptions.fixed(@spec, spec).map { |name| "#{name} can't be changed while the server runs" }
      @file.umask = spec[:umask] if unix? && @spec[:umask] != spec[:umask]
      @spec = spec
      ios.each { |io| SocketOptions.apply(io, spec) }
      listen if listening?
      complaints.map { |text| "listen #{spec.address}: #{text}" }
    rescue SystemCallError => e
      ["listen #{spec.address}: #{e.message}"]
    end

    # @return [Socket] of the first queue
    def io
      ios.first
    end

    # The sockets that a worker accepts from: `queues_per_worker` of them, beginning with another one for each number.
    # Worker 0 takes all, for it is the one that TTOU leaves: so no queue is ever without a worker.
    #
    # @param number [Integer] the worker's
    # @return [Array<Socket>]
    def ios_for(number)
      number.zero? ? ios : ios.rotate(number).first(spec[:queues_per_worker])
    end

    # @return [Array<Integer>]
    def descriptors
      ios.map(&:fileno)
    end

    def unix?
      address.unix?
    end

    # @return [String] "http://127.0.0.1:8080" or "unix:/path.sock"
    def url
      address.url
    end

    # @return [String] "127.0.0.1:8080" or "/path.sock"
    def to_s
      address.to_s
    end

    # @return [String, nil] where the socket comes from, if it was not bound here
    def origin; end

    # @param unlink [Boolean] also remove the file of a UNIX socket; only the process that bound it does
    def close(unlink: true)
      @file&.remove if unlink
      ios.each(&:close)
    end

    private

    def accept_on(socket)
      # tcp(7): seconds until a connection that says nothing is handed over anyway.
      socket.setsockopt(:TCP, :DEFER_ACCEPT, spec[:tcp_defer_accept]) unless unix?
      socket.listen(spec[:backlog])
    end
  end
end

require "pitchfork/listener/passed"

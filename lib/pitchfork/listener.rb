# frozen_string_literal: true

require "io/nonblock"
require "socket"
require "pitchfork/address"
require "pitchfork/errors"
require "pitchfork/listener/binder"

module Pitchfork
  # A bound socket. Binder and listening are two steps: a port in use is noticed before the application boots,
  # but nobody can connect before there is a worker to answer.
  class Listener
    # @return [ListenerSpec]
    attr_reader :spec
    # @return [Socket] non-blocking, closed on exec
    attr_reader :io
    # @return [Address] as bound: with the port that the kernel chose for port 0
    attr_reader :address

    # @param spec [ListenerSpec]
    # @param logger [Logger] told about each try while the address is in use
    # @return [Listener] bound, not listening
    # @raise [BindError]
    def self.bind(spec, logger)
      new(spec, Binder.new(spec, logger).call, owner: Process.pid)
    end

    # The listener of another process, usually the one that executed this one.
    #
    # @param fd [Integer]
    # @return [Listener] that never removes the socket's file
    def self.inherit(spec, file_descriptor)
      new(spec, Socket.for_fd(file_descriptor), owner: nil)
    end

    private_class_method :new

    def initialize(spec, socket, owner:)
      @spec = spec
      @io = socket
      @io.nonblock = true
      @io.close_on_exec = true
      @owner = owner
      @address = spec.address.unix? ? spec.address : spec.address.with_port(socket.local_address.ip_port)
      @file = identity if spec.address.unix?
    end

    # Starts to accept connections into the kernel's queue.
    #
    # @return [self]
    # @raise [BindError]
    def listen
      # tcp(7): seconds until a connection that says nothing is handed over anyway.
      io.setsockopt(:TCP, :DEFER_ACCEPT, spec[:tcp_defer_accept]) unless unix?
      io.listen(spec[:backlog])
      self
    rescue Errno::EADDRINUSE
      # Two sockets with SO_REUSEADDR may be bound to one port; only one of them may listen.
      raise BindError, "cannot listen on #{address}: #{Binder::IN_USE}"
    end

    def fileno
      io.fileno
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

    # @param unlink [Boolean] also remove the file of a UNIX socket; only the process that bound it does,
    #   and only while the file is still the one it made
    def close(unlink: true)
      File.unlink(address.path) if unlink && unix? && @owner == Process.pid && @file && @file == identity
      io.close
    rescue Errno::ENOENT
      io.close
    end

    private

    def identity
      stat = File.lstat(address.path)
      [stat.dev, stat.ino]
    rescue Errno::ENOENT
      nil
    end
  end
end

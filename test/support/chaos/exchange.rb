# frozen_string_literal: true

require "io/wait"
require "socket"
require_relative "sockets"

module Chaos
  # What is asked, and the answer it has to get.
  Request = Struct.new(:bytes, :statuses, :body)

  # One request on a connection of its own, over a raw socket.
  class Exchange
    # Nothing takes this long: what is not answered by then hangs.
    PATIENCE = 20
    Late = Class.new(StandardError)
    private_constant :Late

    attr_reader :key, :started, :ended, :detail

    # @param target [String, Integer] path of a UNIX socket, or a port of the loopback
    def initialize(target, request)
      @target = target
      @request = request
    end

    # @return [Symbol] :answered, or what went wrong: :refused, :reset, :closed (no whole answer), :timeout, :status, :body
    def call
      @started = now
      @detail = @request.bytes.partition("\r\n").first
      outcome = attempt
      @ended = now
      outcome
    end

    private

    def attempt
      socket = connect
      @key = Sockets.key(socket)
      socket.write(@request.bytes)
      judge(read(socket))
    rescue Errno::ECONNREFUSED, Errno::ENOENT
      :refused
    rescue Errno::ECONNRESET, Errno::EPIPE
      :reset
    rescue Late
      :timeout
    ensure
      socket&.close
    end

    def connect
      @target.is_a?(Integer) ? TCPSocket.new("127.0.0.1", @target) : UNIXSocket.new(@target)
    end

    def read(socket)
      response = +"".b
      loop do
        left = @started + PATIENCE - now
        raise Late unless left.positive? && socket.wait_readable(left)

        piece = socket.read_nonblock(64 * 1024, exception: false)
        return response if piece.nil?

        response << piece unless piece == :wait_readable
      end
    end

    def judge(response)
      head, body = response.split("\r\n\r\n", 2)
      return :closed unless body && body.bytesize == head[/^content-length: (\d+)/i, 1].to_i

      status = head[/\AHTTP\/1.1 (\d+)/, 1].to_i
      @detail += ": #{status} #{body[0, 60].inspect}"
      return :status unless @request.statuses.include?(status)

      status != 200 || body.end_with?(@request.body) ? :answered : :body
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end

# frozen_string_literal: true

require "pitchfork/child"

module Pitchfork
  # A process that serves no requests and may have threads, such as a scheduler or a consumer of a queue. It is forked like a
  # worker, but never promoted.
  #
  # The callback starts what it is for, in threads; they run while this one waits for the end.
  class ServiceWorker
    include Child

    # @return [Symbol] as `service_workers` lists it
    attr_reader :name

    # @param port [MoldPort] of {MoldPort#take_service}
    def initialize(server, port)
      @server = server
      @port = port
      @name = server.configuration.service_names.fetch(port.nr)
    end

    # @return [Integer]
    def generation
      @port.generation
    end

    # It serves none.
    #
    # @return [Integer]
    def requests_count
      0
    end

    def mold?
      false
    end

    # @return [Integer] exit status
    def run
      return 0 unless start

      title
      @port.ready
      @server.reopen_logs while @port.wait == :reopen_logs
      leave
    end

    private

    # @return [Boolean] false: the master has waited too long, and what this process is for may run in another one already
    def start
      leave_the_mold_behind
      @server.close_listeners
      return false unless @port.hello

      catch_up_on_logs
      @server.callback(:before_service_worker_ready, self)
      true
    end

    def leave
      title("retiring")
      @server.notify(:before_service_worker_exit, self)
      @port.close
      0
    end

    def title(status = nil)
      Process.setproctitle(["pitchfork service[#{name}] (gen:#{generation})", status].compact.join(" - "))
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  # A request that has passed its deadline: it is logged, the app's callback is called, and the worker ends. It is made in a
  # trap of the thread that is stuck, where locks may not be taken, and does its work in a thread of its own.
  class LateRequest
    # What `after_worker_timeout` learns.
    class Info
      # Ruby's own, which it uses while it inspects objects that contain each other.
      INTERNAL = %i[__recursive_key__].freeze
      private_constant :INTERNAL

      # @return [Thread] the one that is stuck
      attr_reader :thread
      # @return [Hash] env of the request
      attr_reader :rack_env

      def initialize(thread, rack_env)
        @thread = thread
        @rack_env = rack_env
      end

      # Gives the current thread what the stuck one carries, so that loggers and monitors know whose request it is: its
      # variables, and those of the fiber in which it is stuck. (The fiber's storage, which Ruby has since 3.2, came along
      # when the thread was started.)
      def copy_thread_variables!
        current = Thread.current
        (thread.keys - INTERNAL).each { |name| current[name] = thread[name] }
        thread.thread_variables.each { |name| current.thread_variable_set(name, thread.thread_variable_get(name)) }
        nil
      end
    end

    # @param client [Client]
    # @param seconds [Float] since the request began
    # @param backtrace [Array<String>] of the stuck thread
    def initialize(server, worker, client, seconds, backtrace)
      @server = server
      @worker = worker
      @client = client
      @seconds = seconds
      @backtrace = backtrace
      @info = Info.new(Thread.current, client.env)
    end

    # Ends this process, and does not return.
    def end_worker
      @server.complain([*RackEnv.describe(@client.env), format(" is late after %.3fs", @seconds)], @backtrace)
      @server.notify(:after_worker_timeout, @worker, @info)
    ensure
      # For a child of the app's may hold the connection, too.
      @client.close
      exit!(1)
    end
  end
end

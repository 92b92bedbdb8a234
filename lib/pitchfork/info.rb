# frozen_string_literal: true

require "logger"

module Pitchfork
  class << self
    # @return [Array<String>] addresses that this server listens on: "127.0.0.1:8080", "/path.sock"
    attr_accessor :listener_names
  end
  self.listener_names = []

  # What an application can ask about the server and the process that it runs in, and declare about that process.
  module Info
    @fork_safe = true
    @kept = []
    @server = nil
    @worker = nil

    class << self
      # @return [Boolean] whether this process may become a mold
      def fork_safe?
        @fork_safe
      end

      # Declares that this process must not be forked any more, for example because a native library keeps threads or locks
      # of its own. It goes on serving and is never promoted.
      def no_longer_fork_safe!
        @fork_safe = false
      end

      # @return [Integer] workers that there are to be: as configured, and changed by TTIN and TTOU; 0 outside of a server
      def workers_count
        @server ? @server.scoreboard.workers : 0
      end

      # @return [Integer] workers that are ready, in this moment; 0 outside of a server
      def live_workers_count
        @server ? @server.scoreboard.live_workers : 0
      end

      # @return [Boolean] whether the whole server is being stopped; false outside of a server
      def shutting_down?
        @server ? @server.scoreboard.shutting_down? : false
      end

      # What garbage collection has cost this worker since it was forked: seconds of the processor (`GC.total_time`), within
      # requests and between them. Clients wait for the first; see `out_of_band_gc`.
      #
      # @return [Hash{Symbol => Float}] within:, between:; zeros in other processes, and while GC.measure_total_time is false
      def gc_time
        within, between = @worker ? @worker.gc_time : [0.0, 0.0]
        { within: within, between: between }
      end

      # Declares that an IO may be open in several processes: {close_all_ios!} spares it, and a mold may have it. It is
      # not garbage collected until it has been closed.
      #
      # @param object [IO, #to_io]
      # @raise [ArgumentError] for anything else
      def keep_io(object)
        io = IO.try_convert(object) or raise ArgumentError, "expected an IO, got #{object.inspect[0, 60]}"
        @kept.reject!(&:closed?)
        @kept << io unless @kept.any? { |other| other.equal?(io) }
        nil
      end

      # @param objects [Enumerable<IO, #to_io>]
      # @raise [ArgumentError] for anything else
      def keep_ios(objects)
        objects.each { |object| keep_io(object) }
        nil
      end

      # Closes every IO object of this process but the standard streams, those that the server needs, that of its logger,
      # and those declared with {keep_io}. For `after_mold_fork` and `after_worker_fork`, so that nothing is inherited by
      # accident. A descriptor that has no IO object, of a native library for example, stays open.
      def close_all_ios!
        spared = numbers([STDIN, STDOUT, STDERR, $stdin, $stdout, $stderr]) + kept_descriptors + (@server&.descriptors || [])
        ObjectSpace.each_object(IO).to_a.each do |io|
          number = number(io)
          io.close unless number.nil? || spared.include?(number)
        rescue IOError, SystemCallError
          # What it held back could not be written, but it is closed.
        end
        nil
      end

      # @api private
      # @return [Array<Integer>] descriptors declared with {keep_io}, and the logger's
      def kept_descriptors
        numbers([*@kept, *log_devices])
      end

      # @api private
      # @return [Integer, nil] the descriptor of an IO object, if it is open
      def number(io)
        io.fileno
      rescue IOError, NoMethodError
        # Closed, never opened, or something that was put in the place of a standard stream.
      end

      # @api private
      # @param server [Server] that this process belongs to
      attr_writer :server
      # @api private
      # @param worker [Worker, nil] that this process is
      attr_writer :worker

      private

      def numbers(ios)
        ios.filter_map { |io| number(io) }
      end

      # Ruby's Logger does not tell which IO it writes to.
      def log_devices
        logger = @server&.logger
        return [] unless logger.is_a?(Logger)

        [logger.instance_variable_get(:@logdev)&.dev].compact
      end
    end
  end
end

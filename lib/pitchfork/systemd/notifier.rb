# frozen_string_literal: true

require "socket"

module Pitchfork
  class Systemd
    # Tells the service manager what the master does, sd_notify(3): one datagram for each message, to a UNIX socket.
    #
    # It is a few lines of Ruby, for the crate sd-notify (0.5) looks for NOTIFY_SOCKET in the environment at every message, and the
    # programs that an app starts must not find it there. Without an address nothing is sent.
    class Notifier
      # @param address [String, nil] a path, or "@" and a name in the abstract namespace
      # @param watchdog [Integer, nil] microseconds in which the manager wants to hear {#alive}
      # @yieldparam complaint [String] when something could not be told
      def initialize(address, watchdog: nil, &complain)
        @address = address
        @watchdog = watchdog
        @complain = complain
        @stopping = false
        @unheard = false
      end

      # @return [Float, nil] seconds between two calls of {#alive}
      def interval
        @watchdog / 2_000_000.0 if @address && @watchdog
      end

      # The server serves: for the first time, or again after {#reloading}.
      #
      # @param status [String] one line of what goes on, as `systemctl status` shows it
      def ready(status)
        notify("READY=1", "STATUS=#{status}")
      end

      # New code or a new configuration is about to be used, until {#ready}. For Type=notify-reload the time tells the manager
      # that this is the answer to its signal.
      def reloading(status)
        notify("RELOADING=1", "MONOTONIC_USEC=#{Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)}", "STATUS=#{status}")
      end

      # Only the first call says something.
      def stopping(status)
        notify("STOPPING=1", "STATUS=#{status}") unless @stopping
        @stopping = true
      end

      def status(text)
        notify("STATUS=#{text}")
      end

      # This process is not stuck.
      def alive
        notify("WATCHDOG=1")
      end

      private

      # Never waits: a manager that does not listen must not stop the server. The socket is not kept, so that no child has it.
      def notify(*assignments)
        return unless @address

        socket = Socket.new(:UNIX, :DGRAM)
        socket.sendmsg_nonblock(assignments.map { |line| line.tr("\n", " ") }.join("\n"), 0, destination)
        @unheard = false
      rescue SystemCallError, ArgumentError => e
        # Once: the watchdog's messages may be many.
        @complain.call("systemd was not told #{assignments.first} (NOTIFY_SOCKET #{@address}): #{e.message}") unless @unheard
        @unheard = true
      ensure
        socket&.close
      end

      def destination
        Addrinfo.unix(@address.sub(/\A@/, "\0"))
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/systemd/notifier"
require "pitchfork/systemd/passed_socket"

module Pitchfork
  # What a service manager says to the process that it starts, in the environment: which sockets it has made for it
  # (sd_listen_fds(3)), where it wants to hear of its state (sd_notify(3)), and how often (sd_watchdog_enabled(3)).
  #
  # The variables are meant for this process alone, so they are taken out before any code of the user runs.
  class Systemd
    class << self
      # @param environment [ENV, Hash] from which the variables are removed, also when they are another process's
      # @return [Systemd]
      # @raise [BindError] for a socket that can't be served
      def take(environment = ENV)
        notify_socket, watchdog, pid = %w[NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID].map { |name| environment.delete(name) }
        watchdog = Integer(watchdog.to_s, 10, exception: false)
        watchdog = nil unless watchdog&.positive? && [nil, Process.pid.to_s].include?(pid)
        @given = new(sockets: PassedSocket.take(environment), notify_socket: notify_socket, watchdog: watchdog)
      end

      # @return [Systemd] what this process has taken, nothing so far
      def given
        @given ||= new
      end
    end

    # @return [Array<PassedSocket>]
    attr_reader :sockets

    # @param notify_socket [String, nil] address
    # @param watchdog [Integer, nil] microseconds
    def initialize(sockets: [], notify_socket: nil, watchdog: nil)
      @sockets = sockets.freeze
      @notify_socket = notify_socket
      @watchdog = watchdog
    end

    # @return [Hash{String => String}] for the boot mold, which inherits the sockets
    def environment
      PassedSocket.environment(sockets)
    end

    # @yieldparam complaint [String] when something could not be told
    # @return [Notifier]
    def notifier(&complain)
      Notifier.new(@notify_socket, watchdog: @watchdog, &complain)
    end
  end
end

# frozen_string_literal: true

module Pitchfork
  class Configuration
    # The keywords of `listen`. Those named tcp_* and queues*, reuseport and ipv6only are for TCP, umask is for UNIX sockets;
    # on the other kind of address they are ignored, so that one set of options can serve both.
    LISTEN_OPTIONS = [
      Setting.new(
        :backlog, check: Check.integer(1..65_535), default: 1024,
        doc: "Connections that wait in the kernel; net.core.somaxconn limits it, too."
      ),
      Setting.new(
        :tcp_nodelay, check: Check.boolean, default: true,
        doc: "Send small packets at once (TCP_NODELAY)."
      ),
      Setting.new(
        :tcp_nopush, check: Check.boolean, default: false,
        doc: "Hold back packets that are not full (TCP_CORK)."
      ),
      Setting.new(
        :ipv6only, check: Check.boolean.or_nil, shown_default: "the system's",
        doc: "An IPv6 listener refuses IPv4 clients (IPV6_V6ONLY)."
      ),
      Setting.new(
        :reuseport, check: Check.boolean, default: false,
        doc: "Other processes of the same user may bind the address as well (SO_REUSEPORT)."
      ),
      Setting.new(
        :rcvbuf, check: Check.integer(1..).or_nil, shown_default: "the system's",
        doc: "Receive buffer in bytes (SO_RCVBUF)."
      ),
      Setting.new(
        :sndbuf, check: Check.integer(1..).or_nil, shown_default: "the system's",
        doc: "Send buffer in bytes (SO_SNDBUF)."
      ),
      Setting.new(
        :umask, check: Check.file_mode, default: 0,
        doc: "File mode creation mask of a UNIX socket: 0 lets everyone connect, 0o077 only the same user."
      ),
      Setting.new(
        :tcp_defer_accept, check: Check.seconds_or_boolean, default: 1,
        doc: "Seconds to keep a connection from the workers until its first byte is there (TCP_DEFER_ACCEPT); " \
             "0 or false: do not."
      ),
      Setting.new(
        :tries, check: Check.integer(-1..), default: 5,
        doc: "How often to try again when the address is in use; -1: for ever."
      ),
      Setting.new(
        :delay, check: Check.seconds(zero: true), default: 0.5,
        doc: "Seconds between two tries."
      ),
      Setting.new(
        :queues, check: Check.integer(1..1024), default: 1,
        doc: "Accept queues that the kernel spreads the connections over, each with its own backlog. TCP only. One is the " \
             "best for almost everyone, see [listeners.md](listeners.md)."
      ),
      Setting.new(
        :queues_per_worker, check: Check.integer(1..1024).or_nil, shown_default: "queues - 1, at least 1",
        doc: "How many of these queues each worker accepts from; worker 0 accepts from all."
      )
    ].freeze
  end
end

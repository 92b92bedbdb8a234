# frozen_string_literal: true

module Pitchfork
  class Configuration
    # What clients may do, and what the application sees of them.
    HTTP_SETTINGS = [
      Setting.new(
        :client_header_timeout, syntax: "client_header_timeout seconds", check: Check.seconds, default: 10,
        doc: "A request head that is not complete by then is answered with 408."
      ),
      Setting.new(
        :client_body_timeout, syntax: "client_body_timeout seconds", check: Check.seconds, default: 30,
        doc: "A request body of which nothing comes for so long is answered with 408; and so is one that keeps the " \
             "worker waiting for longer altogether, and in the long run brings less than 500 bytes a second."
      ),
      Setting.new(
        :client_write_timeout, syntax: "client_write_timeout seconds", check: Check.seconds, default: 30,
        doc: "A client that reads nothing of its response for so long is disconnected; and so is one that keeps the " \
             "worker waiting for longer altogether, and in the long run reads less than 500 bytes a second."
      ),
      Setting.new(
        :client_request_line_max_size, syntax: "client_request_line_max_size bytes", check: Check.integer(64..1 << 20),
        default: 8 * 1024, doc: "A longer request line is answered with 414."
      ),
      Setting.new(
        :client_header_field_max_size, syntax: "client_header_field_max_size bytes", check: Check.integer(64..1 << 20),
        default: 80 * 1024, doc: "A request with a longer header field, name and value together, is answered with 431."
      ),
      Setting.new(
        :client_header_max_size, syntax: "client_header_max_size bytes", check: Check.integer(256..4 << 20),
        default: 112 * 1024, doc: "A longer request head, the request line and all fields, is answered with 431."
      ),
      Setting.new(
        :client_header_max_fields, syntax: "client_header_max_fields n", check: Check.integer(1..256), default: 100,
        doc: "A request with more header fields is answered with 431."
      ),
      Setting.new(
        :client_body_max_size, syntax: "client_body_max_size bytes", check: Check.integer(0..).or_nil,
        shown_default: "no limit",
        doc: "A longer request body is answered with 413; when its length is announced, before anything of it is read."
      ),
      Setting.new(
        :client_body_buffer_size, syntax: "client_body_buffer_size bytes", check: Check.integer(0..),
        default: 112 * 1024, doc: "How much of a request body is kept in memory."
      ),
      Setting.new(
        :rewindable_input, syntax: "rewindable_input bool", check: Check.boolean, default: true,
        doc: "Request bodies can be rewound: what was read is kept, in memory and then in a temporary file. With Rack 2, " \
             "which wants it, always."
      ),
      Setting.new(
        :early_hints, syntax: "early_hints bool", check: Check.boolean, default: false,
        doc: "`env[\"rack.early_hints\"]` sends 103 responses."
      ),
      Setting.new(
        :check_client_connection, syntax: "check_client_connection bool", check: Check.boolean, default: false,
        doc: "Do not call the application for a client that is already gone."
      ),
      Setting.new(
        :trusted_proxies, syntax: "trusted_proxies [address, …]", check: Check.networks, default: [].freeze,
        shown_default: "none",
        doc: "Peers whose `X-Forwarded-Proto` decides about `rack.url_scheme`: addresses, networks such as " \
             "`\"10.0.0.0/8\"`, and `:unix` for whoever connects to a UNIX socket."
      ),
      Setting.new(
        :lint, syntax: "lint bool", check: Check.boolean, default: false,
        doc: "Put `Rack::Lint` around the application, to find what breaks Rack's rules. For development."
      )
    ].freeze
  end
end

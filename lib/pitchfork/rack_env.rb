# frozen_string_literal: true

require "pitchfork/input"

module Pitchfork
  # What the Rack environment of a request begins as, as the running Rack's SPEC wants it. The extension (src/ruby/env.rs)
  # duplicates it for each request and changes what differs from the commonest one; the keys that always differ are here
  # too, so that the copy has the right size from the start.
  module RackEnv
    # Of a GET without query. SERVER_NAME, SERVER_PORT and REMOTE_ADDR are what the last request had.
    REQUEST = {
      "REQUEST_METHOD" => "GET",
      "REQUEST_URI" => nil,
      "SCRIPT_NAME" => "",
      "PATH_INFO" => nil,
      "QUERY_STRING" => "",
      "SERVER_PROTOCOL" => "HTTP/1.1",
      "HTTP_VERSION" => "HTTP/1.1",
      "SERVER_NAME" => nil,
      "SERVER_PORT" => nil,
      "SERVER_SOFTWARE" => "pitchfork",
      "REMOTE_ADDR" => nil,
      "rack.url_scheme" => "http"
    }.freeze

    # Of a connection.
    CONNECTION = {
      "rack.hijack?" => true,
      "rack.hijack" => nil,
      "rack.response_finished" => nil,
      "rack.after_reply" => nil,
      "pitchfork.socket" => nil,
      "pitchfork.worker" => nil
    }.freeze

    # Rack 2 asks servers about processes and threads; Rack 3 does not, but apps still look.
    CONCURRENCY = {
      "rack.multithread" => false,
      "rack.multiprocess" => true,
      "rack.run_once" => false
    }.freeze

    # @param configuration [Configuration]
    # @return [Hash] to be duplicated for each request
    def self.template(configuration)
      REQUEST.merge(
        CONNECTION, CONCURRENCY,
        "rack.version" => [1, rack_2? ? 3 : 6].freeze,
        "rack.errors" => $stderr,
        "rack.input" => EmptyInput.new,
        "rack.logger" => configuration.logger
      )
    end

    def self.rack_2?
      defined?(Rack::RELEASE) && Rack::RELEASE.start_with?("2.")
    end
  end
end

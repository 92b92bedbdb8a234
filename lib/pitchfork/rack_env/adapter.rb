# frozen_string_literal: true

require "pitchfork/input"
require "pitchfork/rewindable_input"

module Pitchfork
  module RackEnv
    # What all releases of Rack have in common.
    class Adapter
      # Of a GET without query; SERVER_NAME, SERVER_PORT and REMOTE_ADDR are what the last request had. The keys that always
      # differ are here too, so that the copy has the right size from the start.
      #
      # HTTP_VERSION was a key of Rack's own until 2.2 and must equal SERVER_PROTOCOL in 3.0. No later SPEC mentions it, but
      # ActionController::Live, for one, looks at it.
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

      # Of a connection. rack.response_finished is in the SPEC since 3.0, and rack.after_reply in none: before that, servers
      # agreed on it.
      CONNECTION = {
        "rack.hijack?" => true,
        "rack.hijack" => nil,
        "rack.response_finished" => nil,
        "rack.after_reply" => nil,
        "pitchfork.socket" => nil,
        "pitchfork.timeout" => nil,
        "pitchfork.worker" => nil
      }.freeze

      # rack.input is optional since 3.1, but always there: apps that do not ask would fail.
      NO_BODY = EmptyInput.new.freeze

      # @param configuration [Configuration]
      def initialize(configuration)
        @configuration = configuration
        @rewindable = configuration.rewindable_input
        @memory = configuration.client_body_buffer_size
      end

      # @return [Hash] a new one
      def template
        REQUEST.merge(
          CONNECTION, "rack.errors" => $stderr, "rack.input" => NO_BODY, "rack.logger" => @configuration.logger
        )
      end

      # @param client [Client] whose request has a body
      # @return [#read] rack.input
      def input(client)
        @rewindable ? RewindableInput.new(client, @memory) : Input.new(client)
      end

      # @param env [Hash] of a request; changed
      def complete(env)
        env
      end
    end
  end
end

# frozen_string_literal: true

require "pitchfork/input"

module Pitchfork
  # The part of the Rack environment that is the same for every request, as the running Rack's SPEC wants it.
  module RackEnv
    # Keys that every version has.
    COMMON = {
      "SCRIPT_NAME" => "",
      "SERVER_SOFTWARE" => "pitchfork",
      "rack.url_scheme" => "http",
      "rack.hijack?" => true
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
      COMMON.merge(
        CONCURRENCY,
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

# frozen_string_literal: true

require "pitchfork/rack_env/rack_2_2"
require "pitchfork/rack_env/rack_3_0"
require "pitchfork/rack_env/rack_3_1"
require "pitchfork/rack_env/rack_3_2"

module Pitchfork
  # The Rack environment of a request as the SPEC of the running Rack wants it: one adapter for each release whose SPEC
  # differs, chosen once. An adapter has
  #
  #   template       what every env begins as: the extension (src/ruby/env.rs) duplicates it and changes what differs
  #   input(client)  rack.input of a request with a body
  #   complete(env)  what else depends on the request
  module RackEnv
    # Oldest first.
    ADAPTERS = { [2, 2] => Rack22, [3, 0] => Rack30, [3, 1] => Rack31, [3, 2] => Rack32 }.freeze

    class << self
      # @param configuration [Configuration]
      # @param release [String, nil] of the Rack that the app has loaded; nil: none
      # @return [Adapter] the newest that is not newer than that Rack. Without Rack: the newest
      def adapter(configuration, release = running)
        version = release&.scan(/\d+/)&.first(2)&.map(&:to_i)
        known = ADAPTERS.select { |since, _| version.nil? || (since <=> version) <= 0 }.values
        (known.last || Rack22).new(configuration)
      end

      # No larger than it need be: with room for a browser's fields, each request would leave a KiB more of garbage, and a
      # worker would have 4 MiB more of private memory (measured with bin/demo) for 5 % fewer instructions.
      #
      # @return [Hash] to be duplicated for each request
      def template(configuration)
        adapter(configuration).template
      end

      # @param env [Hash] of a request, which the app may have changed
      # @return [Array<String>] which request it is, for {Server#report}
      def describe(env)
        id = env["HTTP_X_REQUEST_ID"]
        [env["REQUEST_METHOD"], " ", env["REQUEST_URI"], *(id && [" (request ", id, ")"])]
      end

      # Deletes the files that Rack's multipart parser made of uploads. It lists them in env and leaves the rest to a
      # middleware (Rack::TempfileReaper), which not every app has; twice does no harm.
      #
      # @yieldparam error [StandardError]
      def clean(env)
        env["rack.tempfiles"]&.each do |file|
          file.respond_to?(:close!) ? file.close! : file.close
        rescue StandardError => e
          yield e
        end
      end

      private

      def running
        Rack::RELEASE if defined?(Rack::RELEASE)
      end
    end
  end
end

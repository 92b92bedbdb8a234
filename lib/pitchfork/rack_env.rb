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

    # Keys: the template's own, and some 30 fields.
    ROOM = 64

    class << self
      # @param configuration [Configuration]
      # @param release [String, nil] of the Rack that the app has loaded; nil: none
      # @return [Adapter] the newest that is not newer than that Rack. Without Rack: the newest
      def adapter(configuration, release = running)
        version = release&.scan(/\d+/)&.first(2)&.map(&:to_i)
        known = ADAPTERS.select { |since, _| version.nil? || (since <=> version) <= 0 }.values
        (known.last || Rack22).new(configuration)
      end

      # @return [Hash] to be duplicated for each request
      def template(configuration)
        roomy(adapter(configuration).template)
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

      # The same in a Hash that need not grow for the fields of a browser's request: one that had more keys keeps its room, as
      # long as it is a quarter full, and so do its duplicates. The last key has it tidy up.
      def roomy(template)
        *pairs, last = template.to_a
        spare = (pairs.size...ROOM).to_a
        room = pairs.to_h.merge!(spare.to_h { |number| [number, nil] })
        spare.each { |number| room.delete(number) }
        room.merge!([last].to_h)
      end

      def running
        Rack::RELEASE if defined?(Rack::RELEASE)
      end
    end
  end
end

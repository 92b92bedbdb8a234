# frozen_string_literal: true

require "pitchfork/rack_env/adapter"

module Pitchfork
  module RackEnv
    # Rack 3.1: all forms of a request target in PATH_INFO, and the protocols that the client offers to change to.
    class Rack31 < Adapter
      # (see Adapter#complete)
      def complete(env)
        upgrade = env["HTTP_UPGRADE"]
        env["rack.protocol"] = members(upgrade) if upgrade && offered?(env)
        super
      end

      private

      # Upgrade without Connection: upgrade was forwarded by somebody who did not understand it, and HTTP/1.0 does not know it
      # (RFC 9110, section 7.8).
      def offered?(env)
        env["SERVER_PROTOCOL"] == "HTTP/1.1" &&
          members(env["HTTP_CONNECTION"].to_s).any? { |option| option.casecmp?("upgrade") }
      end

      # Not by a pattern: until Ruby 3.2, the time of that grows with the square of the spaces that a client sends.
      def members(list)
        list.split(",").map(&:strip)
      end
    end
  end
end

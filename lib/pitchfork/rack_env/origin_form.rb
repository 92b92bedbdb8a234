# frozen_string_literal: true

module Pitchfork
  module RackEnv
    # Until Rack 3.1, PATH_INFO begins with a slash or is empty: there is no room for `OPTIONS *` and `CONNECT host:port`,
    # whose targets stand in REQUEST_URI only.
    module OriginForm
      SLASH = "/".ord
      private_constant :SLASH

      # (see Adapter#complete)
      def complete(env)
        env["PATH_INFO"] = "" unless env["PATH_INFO"].getbyte(0) == SLASH
        super
      end
    end
  end
end

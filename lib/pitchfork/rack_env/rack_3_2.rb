# frozen_string_literal: true

require "pitchfork/rack_env/rack_3_1"

module Pitchfork
  module RackEnv
    # Rack 3.2: as 3.1. What it adds, that all keys are Strings and SERVER_NAME and HTTP_HOST are hosts as RFC 3986 has them,
    # holds in every env.
    class Rack32 < Rack31
    end
  end
end
